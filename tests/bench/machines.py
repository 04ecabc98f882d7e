"""The list of 1,000 machines, decoded, beside jq reading the same bytes."""

import json

from figure import Figure
from fleet import build_dir
from measure import run_measured

MACHINES, SMALL, REPETITIONS = 1000, 20, 5


def machine(number):
    """About as much as the API tells of a machine with one service, one check and five events."""
    version = f"01HEPA330HZ37A78TK080NA{number:03X}"
    return {
        "id": f"{number:014x}", "name": f"aged-mountain-{number}", "state": "started", "region": "fra",
        "image_ref": {"registry": "registry.fly.io", "repository": "web", "tag": "deployment-01HEPA330HZ37A78TK080NAK1M",
                      "digest": "sha256:" + "5f" * 32, "labels": {"org.opencontainers.image.version": "1.2.3"}},
        "instance_id": version, "version": version, "private_ip": "fdaa:2:45b:a7b:19c:bbd4:95bb:2",
        "created_at": "2026-11-20T21:09:25Z", "updated_at": "2026-11-20T21:10:25Z", "host_status": "ok",
        "config": {
            "env": {f"SETTING_{i}": "a value of usual length" for i in range(12)},
            "init": {"exec": None, "entrypoint": None, "cmd": ["/app/bin/server", "--quote", "\"\\u00e4\""], "tty": False},
            "guest": {"cpu_kind": "shared", "cpus": 1, "memory_mb": 256},
            "metadata": {"fly_platform_version": "v2", "fly_process_group": "app", "fly_release_version": "42"},
            "services": [{"protocol": "tcp", "internal_port": 8080, "autostop": False, "autostart": True,
                          "ports": [{"port": 443, "handlers": ["tls", "http"]}, {"port": 80, "handlers": ["http"]}],
                          "checks": [{"type": "http", "interval": "15s", "timeout": "2s", "path": "/health"}]}],
            "image": "registry.fly.io/web:deployment-01HEPA330HZ37A78TK080NAK1M", "restart": {"policy": "always"}},
        "events": [{"id": f"01HEPA33{i}", "type": "start", "status": "started", "source": "flyd",
                    "timestamp": 1700000000000 + i, "request": {"exit_event": {"exit_code": 0, "oom_killed": False}}}
                   for i in range(5)],
        "checks": [{"name": "servicecheck-00-http-8080", "status": "passing", "output": "ok" * 40,
                    "updated_at": "2026-11-20T21:10:25Z"}]}


def fastest(*command):
    return min((run_measured(*command) for _ in range(REPETITIONS)), key=lambda cost: cost.seconds)


def run(directory, small):
    listing = directory / "machines.json"
    listing.write_text(json.dumps([machine(number) for number in range(SMALL if small else MACHINES)]))
    ours = fastest(build_dir() / "bin/machines-bench", listing)
    jq = fastest("jq", "-c", ".[] | [.id, .state, .region, .config.metadata]", listing)
    return [Figure("machines.decode_seconds", ours.seconds, "s", jq.seconds, "jq"),
            Figure("machines.decode_cpu", ours.cpu_seconds, "s", jq.cpu_seconds, "jq"),
            Figure("machines.decode_peak", ours.peak_mib, "MiB", jq.peak_mib, "jq"),
            Figure("machines.bytes", listing.stat().st_size / 2**20, "MiB")]
