"""What the filter and the group cost a request: processor time of nginx below a sidecar, beside nginx alone.

A second nginx alone says how much two of the same differ. HAProxy in TCP mode before the app is the other way to lead
connections. All four live all the time and are asked in turn; whoever serves a request is counted: nginx, what stands
above it, and HAProxy."""

import contextlib
import os
import signal
import statistics
import subprocess
import time

import nginx
from figure import Figure
from fleet import FileStore, Load, Port
from measure import cpu_seconds

ROUNDS, SECONDS = 15, 1.0
SMALL_ROUNDS, SMALL_SECONDS = 2, 0.3
KINDS = {"new": "100", "kept": "0"}  # percent of the clients that connect anew for each request
LOAD = ("--connections", "8", "--posts", "0", "--think", "0ms")
HAPROXY = """\
global
    maxconn 1000
defaults
    mode tcp
    timeout connect 5s
    timeout client 60s
    timeout server 60s
listen app
    bind 127.0.0.1:{port}
    server app 127.0.0.1:{app}
"""


def descendants(pid):
    """It, and all that descends from it."""
    found = [pid]
    for one in found:
        with open(f"/proc/{one}/task/{one}/children", encoding="ascii") as children:
            found += map(int, children.read().split())
    return found


class Side:
    """Somebody who answers at `port`, and all whose processor time that takes."""

    def __init__(self, port, *pids):
        self.port, self.pids = port, [one for pid in pids for one in descendants(pid)]

    def cpu_seconds(self):
        return sum(map(cpu_seconds, self.pids))

    def asked(self, directory, fresh, seconds):
        """{what: figure} of a load that lasts for `seconds`."""
        before = self.cpu_seconds()
        with Load(self.port, directory / "load.ndjson", *LOAD, "--fresh", fresh) as load:
            time.sleep(seconds)
            seen = load.finish()
        if seen["failures"]:
            raise RuntimeError(f"requests failed: {seen['failure_samples']}")
        return {"cpu": 1e6 * (self.cpu_seconds() - before) / seen["requests"],
                "requests": seen["requests"] / seen["seconds"], "p99": seen["p99_ms"]}


@contextlib.contextmanager
def bare(home):
    home.mkdir()
    with nginx.Nginx(home) as server:
        yield Side(server.port, server.pid)


@contextlib.contextmanager
def below_sidecar(home):
    home.mkdir()
    store = FileStore(home / "store", app="web")
    with nginx.machine(home, store.address, {"--poll-interval": "1s"}) as machine:
        nginx.write_release(home / "base", "base", machine.port, home)
        machine.start()
        nginx.wait_for_version(machine.port, "base")
        yield Side(machine.port, machine.process.pid)


@contextlib.contextmanager
def behind_haproxy(home):
    with bare(home) as app, contextlib.closing(Port()) as port:
        configuration = home / "haproxy.cfg"
        configuration.write_text(HAPROXY.format(port=port.number, app=app.port))
        with subprocess.Popen(["haproxy", "-db", "-f", configuration], stderr=subprocess.DEVNULL,
                              env={**os.environ, "PATH": os.environ["PATH"] + ":/usr/sbin"}) as proxy:
            try:
                nginx.wait_for_version(port.number, "base")
                yield Side(port.number, proxy.pid, *app.pids[:1])
            finally:
                proxy.send_signal(signal.SIGTERM)


def run(directory, small):
    rounds = SMALL_ROUNDS if small else int(os.environ.get("BENCH_ROUNDS", ROUNDS))
    ways = {"bare": bare, "again": bare, "midair": below_sidecar, "haproxy": behind_haproxy}
    seen = {(kind, side): [] for kind in KINDS for side in ways}
    with contextlib.ExitStack() as stack:
        sides = {name: stack.enter_context(way(directory / name)) for name, way in ways.items()}
        for round_ in range(rounds):
            for kind, fresh in KINDS.items():
                for name in list(sides)[::-1 if round_ % 2 else 1]:
                    seen[kind, name].append(sides[name].asked(directory, fresh, SMALL_SECONDS if small else SECONDS))
    return [figure for kind in KINDS for figure in figures(kind, seen)]


def figures(kind, seen):
    def ratios(side, what):
        return [one[what] / beside[what] for one, beside in zip(seen[kind, side], seen[kind, "bare"])]

    told = []
    for what, of in (("cpu", "cpu per request"), ("requests", "requests/s"), ("p99", "p99")):
        again = ratios("again", what)
        low, high = sorted(again)[1], sorted(again)[-2]  # one outlier is no spread
        aim = {"cpu": ("<=", 1.05), "requests": (">=", low), "p99": ("<=", high)}[what]
        unit = f"x {of}, bare"
        value = statistics.median(ratios("midair", what))
        told += [Figure(f"cost.{kind}.{what}", value, unit, statistics.median(again), "a second bare one", aim),
                 Figure(f"cost.{kind}.{what}", value, unit, statistics.median(ratios("haproxy", what)), "HAProxy before it")]
    return told
