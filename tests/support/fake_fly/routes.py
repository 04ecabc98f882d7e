"""Which request means what. A handler takes (world, match, query, body, nonce) and returns (status, document)."""

import re
import time

from machine import ulid
from refusal import Refusal

NAME = r"([^/]+)"
APP = f"/v1/apps/{NAME}"
MACHINES = f"{APP}/machines"
MACHINE = f"{MACHINES}/{NAME}"
OK = {"ok": True}
ROUTES = []


def route(method, pattern):
    def register(handler):
        ROUTES.append((method, re.compile(pattern + "$"), handler))
        return handler
    return register


def find(method, path):
    """The handler, and what stands in the places of its pattern, still encoded."""
    known = False
    for route_method, pattern, handler in ROUTES:
        match = pattern.match(path)
        if match and route_method == method:
            return handler, match.groups()
        known = known or bool(match)
    raise Refusal(405, "method not allowed") if known else Refusal(404, "no such path")


# --- apps

@route("GET", "/v1/apps")
def list_apps(world, match, query, body, nonce):
    apps = [app.document() for app in world.apps.values() if query.get("org_slug", [app.organization]) == [app.organization]]
    return 200, {"total_apps": len(apps), "apps": apps}


@route("POST", "/v1/apps")
def create_app(world, match, query, body, nonce):
    return 201, world.create_app(body.get("name", ""), body.get("org_slug", "personal"))


@route("GET", APP)
def get_app(world, match, query, body, nonce):
    return 200, world.app(match[1]).document()


@route("DELETE", APP)
def delete_app(world, match, query, body, nonce):
    world.app(match[1])
    del world.apps[match[1]]
    return 202, None


@route("POST", f"{APP}/deploy_token")
def deploy_token(world, match, query, body, nonce):
    world.app(match[1])
    return 200, {"token": "FlyV1 fm2_fakeDeployTokenOf" + match[1]}


# --- machines

@route("GET", MACHINES)
def list_machines(world, match, query, body, nonce):
    return 200, world.list_machines(match[1], query)


@route("POST", MACHINES)
def create_machine(world, match, query, body, nonce):
    return 200, world.create_machine(match[1], body).document(time.monotonic())


@route("GET", MACHINE)
def get_machine(world, match, query, body, nonce):
    return 200, world.machine(match[1], match[2]).document(time.monotonic())


@route("POST", MACHINE)
def update_machine(world, match, query, body, nonce):
    machine = world.machine(match[1], match[2])
    machine.check_lease(nonce)
    if not isinstance(body.get("config"), dict):
        raise Refusal(422, "Validation failed: config is required")
    machine.update(body, time.monotonic())
    return 200, machine.document(time.monotonic())


@route("DELETE", MACHINE)
def destroy_machine(world, match, query, body, nonce):
    machine = world.machine(match[1], match[2])
    machine.check_lease(nonce)
    machine.destroy("true" in query.get("force", []) + query.get("kill", []), time.monotonic())
    return 200, OK


@route("POST", f"{MACHINE}/(start|stop|restart|suspend|signal|cordon|uncordon)")
def act(world, match, query, body, nonce):
    machine, verb = world.machine(match[1], match[2]), match[3]
    machine.check_lease(nonce)
    previous = machine.state(time.monotonic())
    if verb == "signal":
        if not str(body.get("signal", "")).startswith("SIG"):
            raise Refusal(400, "invalid signal")
        if previous != "started":
            raise Refusal(412, f"failed_precondition: machine is {previous}, not started")
    elif verb in ("cordon", "uncordon"):
        machine.cordoned = verb == "cordon"
    else:
        getattr(machine, verb)(time.monotonic())
    return 200, {"previous_state": previous, "migrated": False, "new_host": ""} if verb == "start" else OK


@route("GET", f"{MACHINE}/lease")
def show_lease(world, match, query, body, nonce):
    return 200, world.machine(match[1], match[2]).lease_document()


@route("POST", f"{MACHINE}/lease")
def take_lease(world, match, query, body, nonce):
    ttl = int(body.get("ttl") or query.get("ttl", ["13"])[0])
    return 201, world.machine(match[1], match[2]).take_lease(nonce, ttl, body.get("description", ""))


@route("DELETE", f"{MACHINE}/lease")
def release_lease(world, match, query, body, nonce):
    machine = world.machine(match[1], match[2])
    machine.lease_document()
    machine.check_lease(nonce)
    machine.lease = None
    return 200, {"status": "success", "data": OK}


def metadata_of(world, match):
    config = world.machine(match[1], match[2]).config
    if not config.get("metadata"):
        config["metadata"] = {}
    return config["metadata"]


@route("GET", f"{MACHINE}/metadata")
def show_metadata(world, match, query, body, nonce):
    return 200, metadata_of(world, match)


@route("POST", f"{MACHINE}/metadata/{NAME}")
def set_metadata(world, match, query, body, nonce):
    metadata_of(world, match)[match[3]] = body.get("value", "")
    return 204, None


@route("DELETE", f"{MACHINE}/metadata/{NAME}")
def delete_metadata(world, match, query, body, nonce):
    metadata_of(world, match).pop(match[3], None)
    return 204, None


@route("POST", f"{MACHINE}/exec")
def execute(world, match, query, body, nonce):
    if world.machine(match[1], match[2]).state(time.monotonic()) != "started":
        raise Refusal(412, "failed_precondition: machine is not started")
    command = body.get("command") or []
    fails = command[:1] == ["false"]
    return 200, {"exit_code": 1 if fails else 0, "exit_signal": 0, "stdout": " ".join(command[1:]) + "\n", "stderr": ""}


@route("GET", f"{MACHINE}/ps")
def processes(world, match, query, body, nonce):
    world.machine(match[1], match[2])
    return 200, [{"pid": 314, "command": "/app/server", "directory": "/app", "cpu": 3, "rss": 41943040, "rtime": 12,
                  "stime": 4, "listen_sockets": [{"proto": "tcp", "address": "*:8080"}]}]


@route("GET", f"{MACHINE}/events")
def events(world, match, query, body, nonce):
    return 200, world.machine(match[1], match[2]).events[:int(query.get("limit", ["20"])[0])]


@route("GET", f"{MACHINE}/versions")
def versions(world, match, query, body, nonce):
    return 200, [{"version": version, "user_config": config}
                 for version, config in world.machine(match[1], match[2]).versions]


# --- volumes, secrets, the platform

@route("GET", f"{APP}/volumes")
def list_volumes(world, match, query, body, nonce):
    return 200, list(world.app(match[1]).volumes.values())


@route("POST", f"{APP}/volumes")
def create_volume(world, match, query, body, nonce):
    return 200, world.create_volume(match[1], body)


@route("GET", f"{APP}/volumes/{NAME}")
def get_volume(world, match, query, body, nonce):
    return 200, world.volume(match[1], match[2])


@route("PUT", f"{APP}/volumes/{NAME}/extend")
def extend_volume(world, match, query, body, nonce):
    volume = world.volume(match[1], match[2])
    if body.get("size_gb", 0) < volume["size_gb"]:
        raise Refusal(422, "Validation failed: volumes can't be shrunk")
    volume["size_gb"] = body["size_gb"]
    return 200, {"volume": volume, "needs_restart": False}


@route("DELETE", f"{APP}/volumes/{NAME}")
def delete_volume(world, match, query, body, nonce):
    world.volume(match[1], match[2])
    return 200, world.app(match[1]).volumes.pop(match[2])


@route("GET", f"{APP}/volumes/{NAME}/snapshots")
def list_snapshots(world, match, query, body, nonce):
    return 200, world.volume(match[1], match[2])["snapshots"]


@route("POST", f"{APP}/volumes/{NAME}/snapshots")
def create_snapshot(world, match, query, body, nonce):
    world.volume(match[1], match[2])["snapshots"].append({"id": "vs_" + ulid(), "status": "created", "size": 4096})
    return 200, {}


@route("GET", f"{APP}/secrets")
def list_secrets(world, match, query, body, nonce):
    return 200, {"secrets": list(world.app(match[1]).secrets.values())}


@route("POST", f"{APP}/secrets/{NAME}")
def set_secret(world, match, query, body, nonce):
    return 201, world.set_secret(match[1], match[2], body.get("value", ""))


@route("DELETE", f"{APP}/secrets/{NAME}")
def unset_secret(world, match, query, body, nonce):
    if match[2] not in world.app(match[1]).secrets:
        raise Refusal(404, "secret not found")
    del world.apps[match[1]].secrets[match[2]]
    return 200, {"version": 1}


@route("GET", "/v1/tokens/current")
def current_token(world, match, query, body, nonce):
    return 200, {"tokens": [{"token_id": "fake", "org_slug": "personal", "organization": "personal", "apps": [],
                             "user": "fake@example.com", "restricted_to_machine": "", "source_machine_id": ""}]}


@route("GET", "/v1/platform/regions")
def regions(world, match, query, body, nonce):
    return 200, {"nearest": "fra", "regions": [{"code": code, "name": name} for code, name in
                                               (("fra", "Frankfurt, Germany"), ("iad", "Ashburn, Virginia (US)"))]}


@route("GET", f"{MACHINE}/wait")
def wait(world, match, query, body, nonce):
    """Only names the path: the server calls World.wait() without the lock."""
    raise NotImplementedError
