"""Releases that turn out bad: the clients never notice, and the next good one gets through."""

import unittest

from case import DIES_AT_ONCE, NEVER_READY, FleetCase
from fleet import wait_until


class RollBack(FleetCase):
    def setUp(self):
        super().setUp()
        self.m1 = self.started(options={"--ready-timeout": "4s"})
        self.publish("good")
        self.clients = self.load(self.m1)
        self.clients.wait_for_requests(50)

    def ship_bad(self, version, directory, status):
        """Publishes a bad release; the machine must report `status` for it and serve the good one."""
        done = self.hot(version, directory=directory)
        self.assertEqual(done.returncode, 1, f"{done.stdout}\n{done.stderr}\n{self.m1.tail()}")
        result = self.store.wait_for_result("m1", version, status)
        self.assertFalse(result["success"])
        self.assertTrue(result["error"])
        self.assertEqual(self.m1.version(), "good")
        return result

    def test_a_crash_in_probation_is_rolled_back_and_the_next_release_works(self):
        self.ship_bad("bad", self.broken_release("bad"), "rolled_back")
        self.assertEqual(self.store.record("m1")["version"], "good")
        self.publish("better")
        self.assertEqual(self.m1.version(), "better")
        self.assert_unharmed(self.m1, self.clients)

    def test_a_release_that_dies_before_it_is_ready_never_takes_a_request(self):
        result = self.ship_bad("bad", self.release("bad", server=DIES_AT_ONCE), "failed")
        self.assertIn("3", result["error"], "the exit status is told")
        self.assert_unharmed(self.m1, self.clients)

    def test_a_release_that_never_gets_ready_is_given_up_at_the_deadline(self):
        self.ship_bad("bad", self.release("bad", server=NEVER_READY), "failed")
        wait_until(lambda: len(self.m1.processes()) == 3, "the new process to go, only sidecar, subreaper and app to stay")
        self.publish("better")
        self.assert_unharmed(self.m1, self.clients)

    def test_a_release_without_its_command_is_given_up(self):
        directory = self.release("bad")
        (directory / "server.py").unlink()
        self.ship_bad("bad", directory, "failed")
        self.assert_unharmed(self.m1, self.clients)

    def test_a_restart_after_a_roll_back_serves_the_last_good_release(self):
        self.ship_bad("bad", self.broken_release("bad"), "rolled_back")
        self.clients.finish()
        self.assertEqual(self.m1.stop(), 0)
        self.m1.start()
        self.m1.wait_for_version("good")


if __name__ == "__main__":
    unittest.main()
