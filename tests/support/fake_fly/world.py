"""Everything that the fake knows: apps, their machines, volumes and secrets, and what it was asked."""

import hashlib
import secrets
import threading
import time

from machine import Machine, PERSISTENT, rfc3339
from refusal import Refusal


class App:
    def __init__(self, name, organization):
        self.name = name
        self.id = secrets.token_hex(8)
        self.organization = organization
        self.machines = {}
        self.volumes = {}
        self.secrets = {}

    def document(self):
        return {"id": self.id, "name": self.name, "status": "deployed", "machine_count": len(self.machines),
                "volume_count": len(self.volumes), "network": "default",
                "organization": {"name": self.organization, "slug": self.organization}}


class World:
    """All methods but wait() are called with `lock` held."""

    def __init__(self, pace, lag, limited):
        self.pace = pace
        self.lag = lag
        self.limited = limited
        self.lock = threading.Condition()
        self.apps = {}
        self.requests = []      # (method, path)
        self.faults = []        # see server.py
        self.full_at = {}       # rate limits: when a bucket is full again

    def app(self, name):
        if name not in self.apps:
            raise Refusal(404, f"app not found: {name}")
        return self.apps[name]

    def machine(self, app, machine_id):
        machine = self.app(app).machines.get(machine_id)
        if machine is None or machine.is_gone(time.monotonic()):
            raise Refusal(404, "machine not found")
        return machine

    def create_app(self, name, organization):
        if name in self.apps:
            raise Refusal(422, "Validation failed: Name has already been taken", "name_taken")
        self.apps[name] = App(name, organization)
        return {"id": self.apps[name].id, "created_at": int(time.time())}

    def create_machine(self, app, request):
        if not isinstance(request.get("config"), dict) or not request["config"].get("image"):
            raise Refusal(422, "Validation failed: config.image is required")
        machine = Machine(request, self.pace, time.monotonic())
        self.app(app).machines[machine.id] = machine
        return machine

    def list_machines(self, app, query):
        """As it was some time ago: the list lags behind."""
        then = time.monotonic() - self.lag * self.pace
        states = [state for value in query.get("state", []) for state in value.split(",")]
        region = query.get("region", [""])[0]
        wanted = {key[len("metadata."):]: values[0] for key, values in query.items() if key.startswith("metadata.")}
        found = []
        for machine in self.app(app).machines.values():
            state = machine.state(then)
            metadata = machine.config.get("metadata") or {}
            if machine.born > then or (region and machine.region != region) or (states and state not in states):
                continue
            if state == "destroyed" and query.get("include_deleted", [""])[0] != "true":
                continue
            if all(metadata.get(key) == value for key, value in wanted.items()):
                found.append(machine.document(then, query.get("summary", [""])[0] == "true"))
        return found

    def wait(self, app, machine_id, query):
        """Takes the lock itself: it waits for what others do."""
        states = query.get("state", ["started"])
        version = query.get("version", query.get("instance_id", [""]))[0]
        end = time.monotonic() + min(60, int(query.get("timeout", ["60"])[0])) * self.pace
        with self.lock:
            while True:
                now = time.monotonic()
                machine = self.machine(app, machine_id)
                state = machine.state(now)
                reached = state in states or ("settled" in states and state in PERSISTENT)
                if reached and version in ("", machine.instance_id):
                    return {"ok": True, "state": state, "event_id": machine.events[0]["id"],
                            "version": machine.instance_id}
                if now >= end:
                    raise Refusal(408, "deadline_exceeded: machine failed to reach desired state, "
                                  f"{states[0]}, currently {state}")
                change = machine.next_change(now)
                self.lock.wait(min(end, change or end) - now + 0.001)

    def create_volume(self, app, request):
        volume = {"id": "vol_" + secrets.token_hex(8), "name": request.get("name", ""), "state": "created",
                  "region": request.get("region", "fra"), "size_gb": request.get("size_gb", 1), "encrypted": True,
                  "attached_machine_id": None, "created_at": rfc3339(time.time()), "snapshots": []}
        self.app(app).volumes[volume["id"]] = volume
        return volume

    def volume(self, app, volume_id):
        if volume_id not in self.app(app).volumes:
            raise Refusal(404, "volume not found")
        return self.app(app).volumes[volume_id]

    def set_secret(self, app, name, value):
        digest = hashlib.sha256(value.encode()).hexdigest()[:16]  # the value itself is forgotten
        self.app(app).secrets[name] = {"name": name, "digest": digest, "created_at": rfc3339(time.time())}
        return self.app(app).secrets[name]

    def limit(self, action, per_second, burst):
        """One token bucket for each action and machine."""
        if not self.limited:
            return
        now = time.monotonic()
        full_at = max(now, self.full_at.get(action, 0))
        if full_at - now > (burst - 1) / per_second + 0.05:
            raise Refusal(429, f"rate limit exceeded for {action}", headers={"Retry-After": "1"})
        self.full_at[action] = full_at + 1 / per_second
