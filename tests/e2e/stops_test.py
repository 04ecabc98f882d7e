"""A machine that is stopped in good order says nothing about the release that it was trying."""

import signal
import unittest

from case import FleetCase
from fleet import wait_until


class Stops(FleetCase):
    def start_swap(self, machine):
        """Publishes "new" and leaves the machine in its probation."""
        self.agent.run_hot(self.release("new"), "new", "--timeout", "1s")
        wait_until(lambda: machine.status()["swap"]["state"] == "probation", machine.tail)

    def tries(self, machine):
        return [attempt["count"] for attempt in machine.file("attempts.json")["attempts"]]

    def test_stops_in_probation_do_not_quarantine_a_release(self):
        machine = self.started(options={"--probation": "60s"})
        self.start_swap(machine)
        for _ in range(3):
            self.assertEqual(self.tries(machine), [1])
            self.assertEqual(machine.stop(), 0)
            self.assertEqual(self.tries(machine), [0])
            machine.start()
            machine.wait_for_version("new")
            wait_until(lambda: (machine.status() or {"swap": {"state": ""}})["swap"]["state"] == "probation",
                       machine.tail)
        self.assertEqual(machine.stop(signal.SIGINT), 0)
        machine.options["--probation"] = "500ms"
        machine.start()
        self.store.wait_for_result("m1", "new", "completed")

    def test_a_machine_that_was_killed_has_tried(self):
        machine = self.started(options={"--probation": "60s"})
        self.start_swap(machine)
        machine.kill()
        self.assertEqual(self.tries(machine), [1])


if __name__ == "__main__":
    unittest.main()
