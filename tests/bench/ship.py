"""Packing, uploading and staging a release of many small files, and a large one; and listing what would be packed."""

import contextlib
import subprocess
import time

from archive import make_tree
from figure import Figure
from fleet import Agent, Machine, build_dir, counter_release, wait_until
from measure import MIB, run_measured
from publish import events_of, logged
from s3 import Bucket

TREES = {"files": (20000, 80), "bytes": (60, 300)}  # name: files, MiB
SMALL_TREES = {"files": (200, 1), "bytes": (5, 4)}
STEPS = ("pack", "upload", "stage")
HASH_ALL = "cd '{}' && find -type f -print0 | sort -z | xargs -0 sha256sum"


def release(directory, name, files, size):
    path = counter_release(directory / f"release-{name}", "v2")
    make_tree(path / "data", files, size * MIB)
    return path


def ship(agent, machine, path, version, directory):
    """Seconds of each step, and the size of the tarball."""
    events = events_of(agent.hot(path, version, "--timeout", "200s"), env=agent.environment(), cwd=directory)
    wait_until(lambda: "release.committed" in logged(machine, version), machine.tail)
    log = logged(machine, version)
    packed, uploaded = events["packed"][0], events["uploaded"][0]
    return {"pack": packed["took_ms"] / 1000, "upload": uploaded["took_ms"] / 1000,
            "stage": log["swap.staged"] - log["swap.fetching"]}, packed["size"] / MIB


def figures_of_listing(path):
    """None of a build that can't list."""
    command = [build_dir() / "bin/midair", "hot", "--from", path, "--list"]
    if subprocess.run(command, check=False, capture_output=True).returncode != 0:  # it also warms the cache for both
        return
    ours, theirs = ([], [])
    for _ in range(3):
        ours.append(run_measured(*command).seconds)
        theirs.append(run_measured("sh", "-c", HASH_ALL.format(path)).seconds)
    yield Figure("ship.list", min(ours), "s", min(theirs), "find, sort -z, xargs -0 sha256sum",
                 ("<=", 1.5 * min(theirs)))


def run(directory, small):
    bucket = Bucket()
    agent = Agent(bucket.address, cwd=directory)
    options = {"--poll-interval": "200ms", "--probation": "200ms", "--ready-timeout": "60s"}
    figures = []
    with contextlib.ExitStack() as stack:
        machine = stack.enter_context(Machine(directory, "m", bucket.address, counter_release(directory / "base", "v1"),
                                              options=options))
        machine.start()
        wait_until(lambda: len(agent.status()) == 1, "the machine to be known")
        for name, (files, size) in (SMALL_TREES if small else TREES).items():
            path = release(directory, name, files, size)
            pigz = run_measured("tar", "-I", "pigz", "-C", path, "-cf", directory / "pigz.tar.gz", ".").seconds
            subprocess.run(["sync", "-f", directory], check=True)
            took, tarball = ship(agent, machine, path, f"{name}-{int(time.time())}", directory)
            figures += [Figure(f"ship.{name}_{step}", took[step], "s", *((pigz, "GNU tar with pigz") if step == "pack" else ()))
                        for step in STEPS]
            figures += [Figure(f"ship.{name}_together", sum(took.values()), "s"),
                        Figure(f"ship.{name}_tarball", tarball, "MiB", (directory / "pigz.tar.gz").stat().st_size / MIB,
                               "GNU tar with pigz")]
            if name == "files":
                figures += figures_of_listing(path)
    return figures
