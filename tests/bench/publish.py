"""From `midair hot` to committed on three machines, step by step, beside what each step can't do without."""

import collections
import contextlib
import datetime
import json
import os
import re
import socket
import statistics
import subprocess
import tempfile
import time

from figure import Figure
from fleet import Agent, Machine, counter_release, uninterrupted, wait_until
from measure import run_measured
from s3 import Bucket, round_trip_ms

MACHINES, ROUNDS, SMALL_ROUNDS = 3, 5, 1
POLL_INTERVAL_MS, PROBATION_MS, FOLLOW_INTERVAL_MS = 1000, 1000, 500  # the last: publisher.cpp, Pace, of a store on the network
STEPS_OF_AGENT = ("start", "pack", "look", "lock", "upload", "publish")
STEPS_OF_MACHINE = ("detect", "fetch", "ready", "switch", "probation", "commit", "hear")
STEPS = STEPS_OF_AGENT + STEPS_OF_MACHINE
MACHINE_STATES = ("fetching", "staged", "prepared", "probation", "committed")
WAITS = ("detect", "probation")  # nobody works meanwhile


def release(directory, version):
    path = counter_release(directory / f"release-{version}", "v2")
    source = (path / "release.py").read_text()
    (path / "release.py").write_text(re.sub('VERSION = ".*"', f'VERSION = "{version}"', source))
    (path / "ballast").write_bytes(os.urandom(4 << 20))
    return path


def events_of(command, **options):
    """Runs `midair hot --json`; its events by name, each with the time at which it was told. It must succeed."""
    events = collections.defaultdict(list)
    with uninterrupted():
        process = subprocess.Popen([*command, "--json"], stdout=subprocess.PIPE, text=True, **options)
    try:
        for line in process.stdout:
            event = json.loads(line)
            events[event["event"]].append({**event, "told": time.time()})
    finally:
        if process.poll() is None and not events.get("summary"):
            process.kill()
        if process.wait() != 0:
            raise RuntimeError(f"midair hot: {events['result']}")
    return events


def logged(machine, version):
    """When the machine's sidecar logged what about this version, by event."""
    times = {}
    for line in machine.log().splitlines():
        match = re.match(r"(\S+Z) \w+ ((?:swap|release)\.\w+) version=(\S+)", line)
        if match and match[3] == version:
            times[match[2]] = datetime.datetime.fromisoformat(match[1].replace("Z", "+00:00")).timestamp()
    return times


def steps_of(began, events, machine, version):
    """Milliseconds of each step on one machine."""
    told = {name: some[0]["told"] for name, some in events.items()}
    log = logged(machine, version)
    heard = next(event["told"] for event in events["result"]
                 if event["machine_id"] == machine.name and event["status"] == "completed")
    packing = events["packed"][0]["took_ms"] / 1000
    marks = [began, told["packed"] - packing, told["packed"], told["fleet"], told["locked"], told["uploaded"],
             told["published"], *(log[f"swap.{state}"] for state in MACHINE_STATES), log["release.committed"], heard]
    return {step: (end - start) * 1000 for step, start, end in zip(STEPS, marks, marks[1:])}


def start_of_app_ms(directory):
    """How long the app alone takes until it says that it is ready, median of five."""
    times = []
    for _ in range(5):
        with tempfile.TemporaryDirectory(dir=directory) as here, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
            notify.bind(f"{here}/notify")
            notify.settimeout(30)
            begin = time.monotonic()
            with uninterrupted():
                app = subprocess.Popen(["./server.py"], cwd=directory, env={**os.environ, "PORT": "0",
                                       "NOTIFY_SOCKET": f"{here}/notify", "PYTHONDONTWRITEBYTECODE": "1"})
            try:
                while b"READY=1" not in notify.recv(4096):
                    pass
                times.append((time.monotonic() - begin) * 1000)
            finally:
                app.kill()
                app.wait()
    return statistics.median(times)


def durable_write_ms(directory):
    """One small file replaced so that it survives a power cut, median of twenty."""
    times = []
    parent = os.open(directory, os.O_RDONLY)
    for _ in range(20):
        begin = time.monotonic()
        with open(directory / "durable.tmp", "wb") as file:
            file.write(b"x" * 300)
            file.flush()
            os.fsync(file.fileno())
        os.rename(directory / "durable.tmp", directory / "durable")
        os.fsync(parent)
        times.append((time.monotonic() - begin) * 1000)
    os.close(parent)
    return statistics.median(times)


def fastest_ms(*command, repetitions=5):
    return min(run_measured(*command).seconds for _ in range(repetitions)) * 1000


def references(directory, bucket, version):
    """What each step can't do without, in ms and in words, measured with other programs against the same server and
    the same disk."""
    release_dir, local, some = directory / f"release-{version}", directory / "tarball", directory / "some.json"
    some.write_text("x" * 700)
    tarball = bucket.url(f"releases/counter-{version}.tar.gz")
    get = round_trip_ms(url=bucket.url("releases/counter-current.json"))
    put = round_trip_ms(url=bucket.url("bench/some"), **{"upload-file": some})
    listing = round_trip_ms(url=bucket.list_url("releases/counter-machines/"))
    download = round_trip_ms(5, url=tarball, output=local)
    upload = round_trip_ms(5, url=bucket.url("bench/tarball"), **{"upload-file": local})
    unpacked = directory / "unpacked"
    unpacked.mkdir()
    unpack = fastest_ms("sh", "-c", f"sha256sum {local} && tar -I gzip -C {unpacked} -xf {local} && "
                        f"find {unpacked} -type f -exec sync {{}} +")
    durable = durable_write_ms(directory)
    return {"start": (fastest_ms("curl", "--version"), "curl --version"),
            "pack": (fastest_ms("tar", "-I", "gzip", "-C", release_dir, "-cf", directory / "tar.gz", "."),
                     "GNU tar with gzip"),
            "look": (listing + get, "LIST, GETs at once"),
            "lock": (2 * put + listing + 2 * get, "2 PUTs (lock, fence), pointer GET, history LIST, GETs at once"),
            "upload": (get + upload, "HEAD, and PUT of the tarball by curl"),
            "publish": (3 * put, "3 PUTs: history, lock, pointer"),
            "detect": (POLL_INTERVAL_MS / 2 + get, "half a poll interval, and a GET"),
            "fetch": (get + download + unpack, "HEAD, GET by curl; sha256sum, tar with gzip, sync of each file"),
            "ready": (start_of_app_ms(release_dir), "the app alone, until READY=1"),
            "switch": (4 * durable, "4 durable writes: journal 3 times, symlink"),
            "probation": (PROBATION_MS, "as configured"),
            "commit": (2 * durable, "2 durable writes: marker, journal"),
            "hear": (2 * put + FOLLOW_INTERVAL_MS / 2 + listing + get,
                     "2 PUTs; half a look's interval, LIST, GET")}


def run(directory, small):
    bucket = Bucket()
    base = counter_release(directory / "base", "v1")
    options = {"--poll-interval": f"{POLL_INTERVAL_MS}ms", "--probation": f"{PROBATION_MS}ms"}
    agent = Agent(bucket.address, cwd=directory)
    rounds = SMALL_ROUNDS if small else ROUNDS
    samples, committed = collections.defaultdict(list), []
    with contextlib.ExitStack() as stack:
        machines = [stack.enter_context(Machine(directory, f"m{n}", bucket.address, base, options=options))
                    for n in range(MACHINES)]
        for machine in machines:
            machine.start()
        wait_until(lambda: len(agent.status()) == MACHINES, "the machines to be known")
        for number in range(rounds):
            version = f"r{number}"
            path = release(directory, version)
            began = time.time()
            events = events_of(agent.hot(path, version), env=agent.environment(), cwd=directory)
            for machine in machines:
                for step, took in steps_of(began, events, machine, version).items():
                    samples[step].append(took)
            committed.append(max(logged(machine, version)["release.committed"] for machine in machines) - began)
        unavoidable = references(directory, bucket, f"r{rounds - 1}")  # while the machines poll, as before
    figures = [Figure(f"publish.{step}", statistics.median(samples[step]), "ms", *unavoidable[step]) for step in STEPS]
    until_committed = STEPS[:-1]
    work = [step for step in until_committed if step not in WAITS]
    # The last of n machines that poll at random sees the pointer n/(n+1) of an interval late, not half of one.
    late = POLL_INTERVAL_MS * (MACHINES / (MACHINES + 1) - 1 / 2)
    return figures + [
        Figure("publish.work", sum(statistics.median(samples[step]) for step in work), "ms",
               sum(unavoidable[step][0] for step in work), "the references from start to commit without the two waits"),
        Figure("publish.all_committed", statistics.median(committed) * 1000, "ms",
               sum(unavoidable[step][0] for step in until_committed) + late, "the references from start to commit")]
