"""Every state of the swap, on entering and on leaving, times every way to fail.

The points come from the state table itself (`midair-sidecar run --list-faults`), so a new state is tested without anybody
remembering to. After each fault: the machine serves the old release or the new one, whole, by the word of the code itself;
before the switch the process that serves was never touched; the next start is correct; the next upgrade works.
"""

import os
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

    def runTest(self):
        pass

    def survive(self, point, action):
        state = point.rsplit(".", 1)[1]
        settings = {"--probation": "200ms", "--poll-interval": "50ms", "--watchdog": "5s"}
        machine = self.started(options=settings, env={"MIDAIR_FAULT": f"{point}={action}"})
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
        self.check_code(wait_until(machine.get, machine.tail))
        done = self.hot("next")
        self.assertEqual(done.returncode, 0, f"{done.stdout}\n{done.stderr}\n{machine.tail(40)}")
        self.assertEqual(machine.version(), "next")
        self.assertIsNone(machine.file("journal.json"))

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
            self.assertEqual(machine.version(), "base", machine.tail())
        if action == "hang":
            if point == "swap.enter.rolling_back":  # between the death of the new code and the start of the old
                self.assertEqual(machine.process.wait(30), 70, machine.tail())
                self.assertIn("nobody serves", machine.log())
            else:
                self.check_code(wait_until(machine.get, machine.tail))
                self.assertIsNone(machine.process.poll(), "a sidecar that hangs is left alone while the app serves")
            return

        def over():
            status = machine.process.poll() is None and machine.status()
            return machine.process.poll() is not None or (status and status["swap"]["state"] == "idle")
        wait_until(over, lambda: f"the swap to end: {machine.tail(40)}")
        if machine.process.poll() is None:
            self.check_code(wait_until(machine.get, machine.tail))
        else:
            self.assertEqual((state, machine.process.returncode), ("rolling_back", 70), machine.tail(40))

    def check_code(self, answer):
        """Old or new, whole: the version and the digest that the code names belong together."""
        pointer = self.store.pointer()["hot_upgrade"]
        self.assertIn((answer["version"], answer["digest"]), {("base", ""), ("new", pointer["sha256"])})


class FaultMatrix(unittest.TestCase):
    def test_every_state_survives_every_fault(self):
        self.assertGreaterEqual(len(points()), 20)
        survive_all(self, Cell, points())


if __name__ == "__main__":
    unittest.main()
