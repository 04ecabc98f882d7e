"""Upgrades under load: what clients notice, beside a control and beside nginx's own binary upgrade.

All three run nginx with the same configuration and the same load. The control starts and ends the same candidates as
the sidecar does, at a port of their own: what clients notice of that is the machine's doing, not the upgrade's."""

import contextlib
import os
import shutil
import signal
import statistics
import subprocess
import sys
import time

import nginx
from figure import Figure
from fleet import Agent, FileStore, Load, Port

ROUNDS, UPGRADES, SMALL_UPGRADES = 9, 20, 1
INTERVAL = 0.4  # seconds between the beginnings of two upgrades
IMAGE = "registry.fly.io/counter:deployment-01BASE"
# No POSTs: nginx hangs up on idle connections, and what crosses that on the wire may only be repeated if it is idempotent.
LOAD = ("--connections", "50", "--fresh", "50", "--posts", "0", "--think", "10ms")


class Published:
    """All releases of a machine, in a store where none is pointed at: the agent, which would run elsewhere, has done
    its work before the clients come."""

    def __init__(self, machine, store, root, upgrades):
        agent = Agent(store.address, app="web", cwd=root)
        self.store, self.pointers = store, {}
        for version in (f"r{number}" for number in range(upgrades)):
            release = nginx.write_release(root / version, version, machine.port, root)
            agent.run_hot(release, version, "--force", "--image", IMAGE, "--timeout", "1ms")
            self.pointers[version] = store.pointer_path.read_text()
        store.pointer_path.unlink()

    def upgrade(self, version):
        self.store.write_pointer(self.pointers[version])
        self.store.wait_for_result("m1", version, "completed")


class Candidates:
    """The control's: started where no client is, and ended."""

    def __init__(self, root):
        self._root, self._port = root, Port()

    def start_and_end(self, version):
        configuration = self._root / f"{version}.conf"
        configuration.write_text(
            nginx.CONFIGURATION.format(home=self._root, version=version, port=self._port.number))
        with subprocess.Popen(nginx.command(self._root, configuration.name), cwd=self._root) as candidate:
            nginx.wait_for_version(self._port.number, version)
            candidate.send_signal(signal.SIGQUIT)


@contextlib.contextmanager
def load_on(port, directory):
    with Load(port, directory / "load.ndjson", *LOAD) as load:
        load.wait_for_requests(1000)
        yield load


def paced(upgrades, upgrade):
    for number in range(upgrades):
        due = time.monotonic() + INTERVAL
        upgrade(f"r{number}")
        time.sleep(max(0, due - time.monotonic()))


def below_sidecar(directory, upgrades, is_control):
    store = FileStore(directory / "store", app="web")
    with nginx.machine(directory, store.address) as machine:
        nginx.write_release(directory / "base", "base", machine.port, directory)
        upgrade = (Candidates(directory).start_and_end if is_control
                   else Published(machine, store, directory, upgrades).upgrade)
        machine.start()
        nginx.wait_for_version(machine.port, "base")
        with load_on(machine.port, directory) as load:
            paced(upgrades, upgrade)
            seen = load.finish()
    served = 1 if is_control else upgrades + 1
    if len(seen["versions"]) != served:
        raise RuntimeError(f"not {served} releases served: {seen['versions']}")
    return seen


def by_itself(directory, upgrades):
    with nginx.Nginx(directory) as server, load_on(server.port, directory) as load:
        paced(upgrades, server.upgrade)
        return load.finish()


def run(directory, small):
    rounds, upgrades = (1, SMALL_UPGRADES) if small else (int(os.environ.get("BENCH_ROUNDS", ROUNDS)), UPGRADES)
    sides = {"midair": lambda home: below_sidecar(home, upgrades, False),
             "control": lambda home: below_sidecar(home, upgrades, True),
             "nginx": lambda home: by_itself(home, upgrades)}
    seen = {side: [] for side in sides}
    for round_ in range(rounds):
        for side in list(sides)[::-1 if round_ % 2 else 1]:
            home = directory / side
            home.mkdir()
            seen[side].append(sides[side](home))
            for sample in seen[side][-1]["failure_samples"]:
                print(f"bench: a request failed while {side} upgraded: {sample}", file=sys.stderr)
            shutil.rmtree(home)
    return figures(seen, upgrades)


def figures(seen, upgrades):
    def median(side, key):
        return statistics.median(one[key] for one in seen[side])

    def total(side, key):
        return sum(one[key] for one in seen[side])

    itself, control = f"nginx's own upgrade, {upgrades} times", "the same candidates outside of the group"
    told = [Figure("handover.failed_requests", total("midair", "failures"), f"of {total('midair', 'requests')}",
                   total("nginx", "failures"), f"{itself} ({total('nginx', 'requests')} requests)", aim=("=", 0))]
    for what, key in (("longest_pause", "pause_ms"), ("p999", "p999_ms"), ("p50", "p50_ms")):
        for side, name, limit in (("control", control, 1.2), ("nginx", itself, 1)):
            reference = median(side, key)
            told.append(Figure(f"handover.{what}", median("midair", key), "ms", reference, name,
                               aim=None if what == "p50" else ("<=", limit * reference)))
    return [*told, Figure("handover.reconnects", total("midair", "reconnects") / len(seen["midair"]) / upgrades,
                          "per upgrade", total("nginx", "reconnects") / len(seen["nginx"]) / upgrades, itself)]
