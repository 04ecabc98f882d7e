"""Every state of the swap, on entering and on leaving, times every way to fail.

The points come from the state table itself (`midair-sidecar run --list-faults`), so a new state is tested without anybody
remembering to. After each fault: the machine serves the old release or the new one, whole, by the word of the code itself;
before the switch the process that serves was never touched; the next start is correct; the next upgrade works.
"""

import contextlib
import os
import shutil
import subprocess
import unittest

from case import DIES_AT_ONCE, FleetCase, survive_all
from fleet import build_dir, wait_until

UNSWITCHED = {"fetching", "staged", "prepared", "suspended", "migrated"}


def points():
    done = subprocess.run([build_dir() / "bin/midair-sidecar", "run", "--list-faults"], capture_output=True, text=True,
                          check=True, timeout=10)
    return done.stdout.split()


class Cell(FleetCase):
    """One point with one action on one machine."""

    settings = {"--probation": "200ms", "--poll-interval": "50ms", "--watchdog": "5s"}
    long_probation = "3s"
    nobody_serves_at = "swap.enter.rolling_back"  # between the death of the new code and the start of the old

    def runTest(self):
        pass

    def survive(self, point, action):
        state = point.rsplit(".", 1)[1]
        machine = self.start(state, {"MIDAIR_FAULT": f"{point}={action}"})
        serving = machine.status()["pid"]
        agent = subprocess.Popen(self.agent.hot(self.release_for(state), "new", "--timeout", "30s"),
                                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=self.agent.environment())
        self.resources.callback(agent.wait, 40)
        self.resources.callback(agent.terminate)
        wait_until(lambda: f"point={point} " in machine.log(), lambda: f"{point} to be reached: {machine.tail(40)}")
        self.check_fault(machine, point, action, serving)
        agent.terminate()
        agent.wait(40)

        machine.kill()
        machine.env.clear()
        machine.start()
        self.check_code(machine)
        done = self.hot("next")
        self.assertEqual(done.returncode, 0, f"{done.stdout}\n{done.stderr}\n{machine.tail(40)}")
        self.assertEqual(machine.status()["version"], "next")
        self.assertIsNone(machine.file("journal.json"))

    def start(self, state, env):
        return self.started(options=self.settings_for(state), env=env)

    def settings_for(self, state):
        """What has to fail in probation gets the time to do so, on a busy machine too."""
        return {**self.settings, "--probation": self.long_probation} if state.startswith("roll") else self.settings

    def release_for(self, state):
        """A release that leads into the state."""
        if state == "aborted":
            return self.release("new", server=DIES_AT_ONCE)
        if state in ("rolling_back", "rolled_back"):
            return self.broken_release("new")
        return self.release("new")

    def check_fault(self, machine, point, action, serving):
        state = point.rsplit(".", 1)[1]
        if action == "kill":
            self.assertEqual(machine.process.wait(10), -9)
            return
        if state in UNSWITCHED:
            os.kill(serving, 0)  # raises if it is gone
            self.assertEqual(self.version(machine), "base", machine.tail())
        if action == "hang":
            if point == self.nobody_serves_at:
                self.assertEqual(machine.process.wait(30), 70, machine.tail())
                self.assertIn("nobody serves", machine.log())
            else:
                self.check_code(machine)
                self.assertIsNone(machine.process.poll(), "a sidecar that hangs is left alone while the app serves")
            return

        # What can't be made durable is tried again for ever, and nobody is told that it is done.
        end = "committed" if state == "committed" else "idle"

        def over():
            status = machine.process.poll() is None and machine.status()
            swap = status and status["swap"]
            return machine.process.poll() is not None or (swap and swap["state"] == end
                                                          and ("problem" in swap) == (end == "committed"))
        wait_until(over, lambda: f"the swap to end: {machine.tail(40)}")
        if machine.process.poll() is None:
            self.check_code(machine)
        else:
            self.assertEqual((state, machine.process.returncode), ("rolling_back", 70), machine.tail(40))

    def version(self, machine):
        return machine.version()

    def check_code(self, machine):
        """Old or new, whole: the version and the digest that the code names belong together."""
        answer = wait_until(machine.get, machine.tail)
        pointer = self.store.pointer()["hot_upgrade"]
        self.assertIn((answer["version"], answer["digest"]), {("base", ""), ("new", pointer["sha256"])})


class InPlaceCell(Cell):
    """The same with the SDK's example, whose process stays: version 1 counts visits, version 2 says more of them."""

    long_probation = "5s"  # three checks of its health, one a second
    nobody_serves_at = None
    examples = build_dir() / "sidecar/sdk/examples/hits/releases"

    def start(self, state, env):
        machine = self.machine(command=["./server"], options=self.settings_for(state), env=env).start()
        wait_until(lambda: self.page(machine) and machine.name in self.agent.status(), machine.tail)
        return machine

    def release(self, version, **_):
        directory = self.root / f"release-{version}"
        if not directory.exists():
            shutil.copytree(self.examples / ("v1" if version == "base" else "v2"), directory)
        return directory

    def release_for(self, state):
        directory = self.release("new")
        hooks = {"aborted": "before_suspend", "rolling_back": "healthy", "rolled_back": "healthy"}
        if state in hooks:
            (directory / "hooks.lua").write_text(f"function {hooks[state]}() return false end")
            (directory / "midair.json").write_text('{"strategy": "in-place", "hooks": "hooks.lua"}')
        return directory

    def page(self, machine, path="/page"):
        with contextlib.suppress(OSError):
            return machine.request(path=path)[2].decode()
        return None

    def version(self, machine):
        page = wait_until(lambda: self.page(machine), machine.tail, timeout=45)  # it may be held for 30 s
        return "new" if "longest gap" in page else "base"

    def check_code(self, machine):
        self.assertIn(self.version(machine), {"base", "new"}, machine.tail(40))


class FaultMatrix(unittest.TestCase):
    def test_every_state_survives_every_fault(self):
        self.assertGreaterEqual(len(points()), 20)
        survive_all(self, Cell, points())

    def test_every_state_of_a_swap_in_place_survives_every_fault(self):
        survive_all(self, InPlaceCell, points())


if __name__ == "__main__":
    unittest.main()
