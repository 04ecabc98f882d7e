"""The demo's second act: the SDK's example changes its code and the layout of its state without a new process."""

import re

from fleet import Agent, FileStore, Load, Machine, build_dir, uninterrupted, wait_until
from terminal import note, step

RELEASES = build_dir() / "sidecar/sdk/examples/hits/releases"
VISITORS = ("--connections", "8", "--think", "5ms", "--streams", "0", "--posts", "0")


class InPlaceAct:
    """One machine under one load. `publish` runs `midair hot` for (agent, release, version)."""

    def __init__(self, root, resources, publish):
        self.store = FileStore(root / "hits", app="hits")
        self.agent = Agent(self.store.address, app="hits", cwd=RELEASES)
        self.machine = resources.enter_context(Machine(
            root, "m-hits", self.store.address, RELEASES / "v1", app="hits", command=["./server"],
            options={"--poll-interval": "200ms", "--probation": "1s"}))
        self.load = Load(self.machine.port, root / "m-hits.load", *VISITORS)
        self.resources, self.publish = resources, publish
        self.looked = 0  # our own visits count, too

    def run(self):
        """Returns rows of the closing table."""
        step("The SDK's example, a server that counts visits, serves v1 to visitors")
        self.machine.start()
        wait_until(lambda: self.store.record("m-hits") and self.machine.status(), self.machine.tail)
        with uninterrupted():
            self.resources.enter_context(self.load)
        self.load.wait_for_requests(500)
        pid = self.machine.status()["pid"]
        note(f"process {pid} says  {self.page()}")

        step("Upgrade to v2 in place: a new module, another layout of the state, the same process")
        upgraded = self.publish(self.agent, "v2", "v2") == 0
        now = self.machine.status()["pid"]
        self.load.wait_for_requests(self.load.latest()["requests"] + 500)
        note(f"process {now} says  {self.page()}")
        return self.rows(upgraded and pid == now, self.store.result("m-hits", "v2"))

    def page(self):
        self.looked += 1
        return self.machine.request()[2].decode().strip()

    def rows(self, stayed, result):
        seen = self.load.finish()
        page = self.page()
        remembered = int(re.match(r"/: (\d+) visits", page).group(1))
        held = f"{result['suspend_duration_ms'] * 1000:.0f} us" if result else "?"
        return [
            ("in place: visits, of which failed", f"{seen['requests']:,}, {seen['failures']}", seen["failures"] == 0),
            ("in place: visitors were held for", held, None),
            ("in place: the process stayed", "yes" if stayed else "no", stayed),
            ("in place: visits that v2 remembers", f"{remembered - self.looked:,}",
             "longest gap" in page and remembered == seen["requests"] + self.looked),
        ]
