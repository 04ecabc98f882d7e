"""A process whose state goes over to the next one by the upgrade protocol: how long callers wait."""

import os
import pathlib
import shutil
import statistics
import subprocess
import threading
import time

from figure import Figure
from fleet import Agent, FileStore, Machine, build_dir, wait_until

EXAMPLE = build_dir() / "sidecar/sdk/examples/hits/releases"
MODULE = build_dir() / "test-modules/hits_bulk/hits.so"
MIB = 1 << 20
SIZES, ROUNDS = (1, 100), 5
CLIENTS = 4
QUIET_SECONDS = 2


class Clients:
    """Threads that ask one request after the other while in the context; longest() is the longest since it was asked
    last, in ms."""

    def __init__(self, machine):
        self.machine, self.requests, self._longest = machine, 0, 0.0
        self._ended, self._mutex = threading.Event(), threading.Lock()
        self._threads = [threading.Thread(target=self._run) for _ in range(CLIENTS)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._ended.set()
        for thread in self._threads:
            thread.join()

    def _run(self):
        while not self._ended.is_set():
            begin = time.monotonic()
            self._request()
            with self._mutex:
                self.requests += 1
                self._longest = max(self._longest, time.monotonic() - begin)
            time.sleep(0.001)

    def _request(self):
        """A process that was succeeded closes the connections that it held: their requests are for its successor."""
        while not self._ended.is_set():
            try:
                return self.machine.request(timeout=60)
            except ConnectionResetError:
                pass
        return None

    def longest(self):
        with self._mutex:
            longest, self._longest = self._longest, 0.0
        return longest * 1000


def release(directory, version):
    (directory / version / "modules").mkdir(parents=True)
    shutil.copy(EXAMPLE / "v1/server", directory / version)
    shutil.copy(MODULE, directory / version / "modules")
    (directory / version / "version").write_text(version)
    return directory / version


def through_tmpfs(size):
    """Milliseconds to write so many bytes to tmpfs and to read them again."""
    data = os.urandom(size)
    path = pathlib.Path(f"/dev/shm/midair-bench-{os.getpid()}")
    try:
        begin = time.monotonic()
        path.write_bytes(data)
        path.read_bytes()
        return (time.monotonic() - begin) * 1000
    finally:
        path.unlink(missing_ok=True)


def hand_over(directory, pieces, rounds, quiet_seconds):
    """(medians of: ms suspended, the longest request) of handovers of so many MiB, and the longest without any."""
    store = FileStore(directory / "store", app="bulk")
    agent = Agent(store.address, app="bulk", cwd=directory)
    machine = Machine(directory, "m1", store.address, release(directory, "base"), app="bulk", command=("./server",),
                      options={"--poll-interval": "50ms", "--probation": "200ms"})
    try:
        machine.start()
        wait_until(lambda: machine.status() and store.record("m1"), machine.tail)
        wait_until(lambda: b"pieces" in machine.request(path=f"/fill/{pieces}", timeout=60)[2], machine.tail)
        suspended, longest = [], []
        with Clients(machine) as clients:
            time.sleep(quiet_seconds)
            quiet = clients.longest()
            for number in range(rounds):
                version = f"r{number}"
                done = subprocess.run(["nice", "-n", "19", *agent.hot(release(directory, version), version)],
                                      capture_output=True, text=True, check=False, timeout=90, cwd=directory,
                                      env=agent.environment())
                if done.returncode != 0:
                    raise RuntimeError(f"midair hot: {done.stderr}{machine.tail()}")
                suspended.append(store.result("m1", version)["suspend_duration_ms"])
                longest.append(clients.longest())
        page = machine.request()[2]
        if page != f"/: {pieces} pieces\n".encode():
            raise RuntimeError(f"the state did not come over: {page}")
        return statistics.median(suspended), statistics.median(longest), quiet
    finally:
        machine.close()


def run(directory, small):
    figures = []
    for size in SIZES[:1] if small else SIZES:
        home = directory / str(size)
        home.mkdir()
        suspended, longest, quiet = hand_over(home, size, 1 if small else ROUNDS, 0.2 if small else QUIET_SECONDS)
        figures += [Figure(f"state.{size}_mib_suspended", suspended, "ms",
                           statistics.median(through_tmpfs(size * MIB) for _ in range(ROUNDS)),
                           "the same bytes written to tmpfs and read again"),
                    Figure(f"state.{size}_mib_longest_request", longest, "ms", quiet,
                           "the longest without an upgrade")]
    return figures
