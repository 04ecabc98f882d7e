"""One rollout over a thousand machines: what it costs the agent.

The machines are simulated: their records, their pending results and their final results are written into the S3 server
as sidecars would write them, by curl, as fast as it goes."""

import json
import queue
import re
import subprocess
import threading
import time

from figure import Figure
from fleet import Agent, counter_release, uninterrupted
from measure import MIB
from s3 import Bucket, curl, round_trip_ms

MACHINES, SMALL_MACHINES = 1000, 20
FOLLOW_INTERVAL_MS = 500  # plugins/hot-upgrade/src/publisher.cpp: Pace, of a store on the network, while things happen
BASE_IMAGE = "registry.fly.io/counter:deployment-01BASE"


class SimulatedFleet:
    """Machines that exist only by what they write."""

    def __init__(self, directory, bucket, machines):
        self.directory, self.bucket = directory, bucket
        self.ids = [f"m{number:04}" for number in range(machines)]
        self.writes = 0

    def write(self, objects):
        """Puts the objects (key -> content), many at once."""
        transfers = []
        for number, (key, content) in enumerate(objects.items()):
            path = self.directory / f"object-{number}"
            path.write_text(json.dumps(content))
            transfers.append({"url": self.bucket.url(key), "upload-file": path})
        curl(transfers, "--parallel", "--parallel-max", "32", "--parallel-immediate")
        self.writes += len(objects)

    def record(self, machine, **of_release):
        return {"machine_id": machine, "region": "fra", "process_group": "app", "base_image_ref": BASE_IMAGE,
                "hot_ref": "", "version": "", "digest": "", "sequence": 0, "fingerprint": "0123456789ab",
                "state": "serving", "sidecar_version": "0.1.0", "booted_at": "2026-11-20T21:30:00.000Z",
                "updated_at": "2026-11-20T21:30:00.000Z", **of_release}

    def result(self, machine, published, **more):
        return {"machine_id": machine, "region": "fra", "status": "pending", "success": False, "error": None,
                "started_at": "2026-11-20T21:31:00.000Z", "version": published["version"],
                "sequence": published["sequence"], **more}

    def boot(self):
        self.write({f"releases/counter-machines/{machine}.json": self.record(machine) for machine in self.ids})

    def begin(self, published):
        self.write({f"releases/counter-results/{published['upgrade_id']}/{machine}.json":
                    self.result(machine, published, step="probation") for machine in self.ids})

    def commit(self, published):
        objects = {}
        for machine in self.ids:
            objects[f"releases/counter-machines/{machine}.json"] = self.record(
                machine, hot_ref=published["source_image_ref"], version=published["version"],
                sequence=published["sequence"])
            objects[f"releases/counter-results/{published['upgrade_id']}/{machine}.json"] = self.result(
                machine, published, status="completed", success=True, applied_at="2026-11-20T21:31:02.000Z",
                suspend_duration_ms=10.0, total_duration_ms=1200.0)
        self.write(objects)


class FollowedRollout:
    """`midair hot` as a child, its events read as they come."""

    def __init__(self, directory, agent):
        release = counter_release(directory / "release", "v2")
        command = ["/usr/bin/time", "-q", "-f", "%U %S %M", *agent.hot(release, "r1"), "--json"]
        with uninterrupted():
            self.process = subprocess.Popen(command, cwd=directory, env=agent.environment(), text=True,
                                            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.events = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self._reader.join()

    def _read(self):
        for line in self.process.stdout:
            self.events.put((time.monotonic(), json.loads(line)))

    def wait_for(self, name):
        """(when it was told, the event); what comes before it is skipped."""
        while True:
            told, event = self.events.get(timeout=120)
            if event["event"] == name:
                return told, event

    def wait_for_all(self, machines):
        """When the last of so many machines was told to have completed."""
        completed = set()
        while len(completed) < machines:
            told, event = self.wait_for("result")
            if event["status"] == "completed":
                completed.add(event["machine_id"])
        return told

    def end(self):
        """(CPU seconds, peak MiB)"""
        errors = self.process.stderr.read()
        if self.process.wait(120) != 0:
            raise RuntimeError(f"midair hot: {errors[-2000:]}")
        user, system, kib = re.findall(r"^(\S+) (\S+) (\d+)$", errors, re.MULTILINE)[-1]
        return float(user) + float(system), int(kib) * 1024 / MIB


def rollout(directory, machines):
    """Of so many machines: seconds from the last write to the last result heard, requests, connections, CPU, peak, and
    the time of one listing."""
    directory.mkdir()
    bucket = Bucket()
    fleet = SimulatedFleet(directory, bucket, machines)
    fleet.boot()
    before, fleet.writes = bucket.traffic(), 0
    with FollowedRollout(directory, Agent(bucket.address, cwd=directory)) as agent:
        _, published = agent.wait_for("published")
        fleet.begin(published)
        fleet.commit(published)
        written = time.monotonic()
        heard = agent.wait_for_all(machines)
        cpu, peak = agent.end()
    traffic = bucket.traffic() - before
    listing = round_trip_ms(5, url=bucket.list_url(f"releases/counter-results/{published['upgrade_id']}/"))
    return {"lag_ms": (heard - written) * 1000, "requests": traffic.requests - fleet.writes, "cpu": cpu, "peak": peak,
            "listing_ms": listing}


def run(directory, small):
    machines = SMALL_MACHINES if small else MACHINES
    one, many = rollout(directory / "one", 1), rollout(directory / "many", machines)
    two_looks = 2 * (FOLLOW_INTERVAL_MS + many["listing_ms"])
    return [Figure("rollout.last_result_heard", many["lag_ms"], "ms after it was written", two_looks,
                   "two looks: the interval and one LIST by curl, each", aim=("<=", two_looks)),
            Figure("rollout.requests", many["requests"] / machines, "per machine", 2,
                   "each machine's record and result read once"),
            Figure("rollout.cpu", many["cpu"], "s", one["cpu"], "a rollout to one machine"),
            Figure("rollout.peak_memory", many["peak"], "MiB", one["peak"], "a rollout to one machine")]
