"""A good release that is seen while a doomed one is being probed: until it serves, beside the same with nothing in the way."""

import datetime
import re
import statistics
import subprocess

from figure import Figure
from fleet import Agent, FileStore, Machine, wait_until
from way_back import release

ROUNDS, SMALL_ROUNDS = 7, 1
START_UP = 0.1  # seconds that the app needs before it can serve
NEVER_READY = "#!/bin/sh\nexec sleep 1000\n"


class Fleet:
    """One machine, and what is shipped to it."""

    def __init__(self, directory, machine, store):
        self.directory, self.machine = directory, machine
        self.agent = Agent(store, cwd=directory)

    def time_of(self, event, version):
        """When the sidecar first logged it, in seconds; not yet: None."""
        found = re.search(rf"^(\S+) \S+ {event} version={version} ", self.machine.log(), re.MULTILINE)
        return datetime.datetime.fromisoformat(found[1].replace("Z", "+00:00")).timestamp() if found else None

    def good(self, version, *options):
        """Ships it, and returns when it served."""
        done = self.agent.run_hot(release(self.directory / version, version, START_UP), version, *options)
        if done.returncode != 0:
            raise RuntimeError(f"{version} was not taken: {done.stdout}\n{done.stderr}\n{self.machine.tail()}")
        return self.time_of("swap.probation", version)

    def seconds_alone(self, version):
        return self.good(version) - self.time_of("pointer.seen", version)

    def seconds_past_a_doomed_one(self, version):
        doomed = f"doomed-{version}"
        server = release(self.directory / doomed, doomed, START_UP) / "server.py"
        server.write_text(NEVER_READY)
        with subprocess.Popen(self.agent.hot(server.parent, doomed), env=self.agent.environment(),
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as following:
            wait_until(lambda: self.time_of("swap.staged", doomed), self.machine.tail)
            served = self.good(version, "--force")
            following.wait(60)
        return served - self.time_of("pointer.seen", version)


def run(directory, small):
    store = FileStore(directory / "store")
    base = release(directory / "base", "base", START_UP)
    alone, past = [], []
    with Machine(directory, "m1", store.address, base, options={"--ready-timeout": "60s"}) as machine:
        fleet = Fleet(directory, machine.start(), store.address)
        wait_until(fleet.agent.status, machine.tail)
        for number in range(SMALL_ROUNDS if small else ROUNDS):
            alone.append(fleet.seconds_alone(f"alone-{number}"))
            past.append(fleet.seconds_past_a_doomed_one(f"past-{number}"))
    took, reference = (1000 * statistics.median(seconds) for seconds in (past, alone))
    return [Figure("overtake.seen_to_serving", took, "ms", reference, "the same with nothing in the way"),
            Figure("overtake.ratio", took / reference, "x", aim=("<=", 1.2))]
