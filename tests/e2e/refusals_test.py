"""What a machine refuses is told to whoever published it, with the reason, at once."""

import json
import time
import unittest

from case import FleetCase


class Refusals(FleetCase):
    def test_what_the_trust_policy_refuses_becomes_a_failed_result(self):
        self.started()
        (self.root / "link").symlink_to(self.root / "store")
        self.address = f"file://{self.root / 'link'}"  # the same directory under another name
        began = time.monotonic()
        done = self.hot("new")
        self.assertNotEqual(done.returncode, 0)
        self.assertLess(time.monotonic() - began, 30)
        self.assertIn("does not lie in our store", done.stdout + done.stderr)

    def test_the_reason_is_cut_to_one_short_line(self):
        machine = self.started()
        self.publish("good")
        self.store.write_pointer(json.dumps(self.store.edited_pointer(version="new", strategy="\x1b[2J\n" + "x" * 9000)))
        error = self.store.wait_for_result("m1", "new", "failed")["error"]
        self.assertIn("does not know the strategy", error)
        self.assertLessEqual(len(error), 1000)
        self.assertTrue(error.isprintable())
        self.assertLessEqual(len(machine.status()["poller"]["last_error"]), 1000)

    def test_what_was_refused_while_the_machine_was_down_is_told_at_its_start(self):
        machine = self.started()
        self.publish("good")
        self.assertEqual(machine.stop(), 0)
        self.store.write_pointer(json.dumps(self.store.edited_pointer(version="new", strategy="unheard-of")))
        machine.start()
        machine.wait_for_version("good")
        self.assertIn("unheard-of", self.store.wait_for_result("m1", "new", "failed")["error"])

    def test_a_refusal_that_was_lost_with_its_process_is_told_again(self):
        machine = self.started()
        bad = self.broken_release("bad")
        self.assertNotEqual(self.hot("bad", directory=bad).returncode, 0)
        self.store.wait_for_result("m1", "bad", "rolled_back")
        self.assertEqual(machine.stop(), 0)
        for result in (self.store.releases / "counter-results").glob("*/m1.json"):
            result.unlink()
        machine.start()
        machine.wait_for_version("base")
        self.assertIn("exited", self.store.wait_for_result("m1", "bad", "rolled_back")["error"])


if __name__ == "__main__":
    unittest.main()
