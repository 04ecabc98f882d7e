"""A process that is swapped in place ends in the middle of it, or has been swapped often enough."""

import os
import signal
import unittest

from fleet import wait_until
from in_place_case import InPlaceCase


class OftenEnough(InPlaceCase):
    probation = "100ms"

    def base(self):
        return self.release("base", "good")

    def test_after_eight_swaps_the_next_upgrade_is_a_new_process_with_the_state(self):
        for number in range(1, 9):
            result = self.publish(f"v{number}", "better" if number % 2 else "good")
            self.assertEqual(1, result["modules_reloaded"])
        self.assertEqual(self.pid, self.pid_that_serves(), "the process stayed")
        self.assertNotIn("swap.other_strategy", self.m1.log())
        result = self.publish("v9", "better")
        self.assertRegex(self.m1.log(), "swap.other_strategy version=v9 .*has taken 8 upgrades")
        self.assertEqual(self.store.pointer()["hot_upgrade"]["sha256"], result["observed_digest"])
        self.assertNotEqual(self.pid, self.pid_that_serves())
        self.assertEqual(1, self.publish("v10", "good")["modules_reloaded"], "the new one begins anew")
        self.assert_remembered()


class Deaths(InPlaceCase):
    def base(self):
        return self.release("base", "good")

    def setUp(self):
        super().setUp()
        self.publish("v1", "better")  # the last good release is none that the process was started on

    def kill_in(self, state, version, variant):
        """Publishes, and ends the app with SIGKILL once the swap is in `state`."""
        self.begin(version, variant)
        self.wait_for_log(f"swap.{state} version={version}")
        self.assertEqual(state, self.m1.status()["swap"]["state"])
        os.kill(self.pid, signal.SIGKILL)

    def assert_last_good_serves(self):
        """In a second process, as the log tells; what is not refused is tried again soon."""
        self.wait_for_log("was killed by signal 9")
        wait_until(self.page, self.m1.tail, 30)
        self.assertRegex(self.m1.log(), 'app.started generation=2 .*release="version v1 ')
        self.assertIsNone(self.m1.process.poll())
        self.m1.kill()  # no time for further tries


class DiesBeforeTheSwitch(Deaths):
    def test_while_a_caller_is_waited_for(self):
        self.hold_a_call()
        self.kill_in("prepared", "v2", "good")
        self.store.wait_for_error("m1", "v2")
        self.assert_last_good_serves()

    def test_while_its_state_is_migrated(self):
        self.kill_in("suspended", "v2", "hangs")
        self.store.wait_for_error("m1", "v2")
        self.assert_last_good_serves()


class CrashesInItsMigration(InPlaceCase):
    def base(self):
        return self.release("base", "good")

    def test_a_rehearsal_finds_it_and_nobody_notices(self):
        self.begin("v2", "crashes")
        result = self.store.wait_for_result("m1", "v2", "failed", 60)
        self.assertIn("the migration crashes (signal 11); nothing was lost, it was a rehearsal", result["error"])
        self.assertNotIn("signal", result)
        self.assertIn("the migration is about to crash", result["output"])
        self.assert_nobody_noticed()

    def test_without_a_rehearsal_the_state_is_lost_and_the_release_refused_at_once(self):
        self.begin("v2", "crashes_unrehearsed")
        result = self.store.wait_for_result("m1", "v2", "failed", 60)
        self.assertRegex(result["error"], r"^restarted, state lost: .*killed by signal 11 \(SEGV\)")
        self.assertEqual(("SEGV", "suspended"), (result["signal"], result["step"]))
        self.assertIn("the migration is about to crash", result["output"])
        self.assertNotIn("retry_at", result)
        wait_until(self.page, self.m1.tail, 30)
        self.assertIn("good", self.page(), "the last good release serves")
        self.assertEqual(1, self.m1.log().count("swap.suspended version=v2"), "it is not tried again")


class DiesInProbation(Deaths):
    probation = "2s"

    def test_of_the_new_code(self):
        self.kill_in("probation", "v2", "good")
        self.assertIn("killed by signal 9", self.store.wait_for_result("m1", "v2", "rolled_back")["error"])
        self.assert_last_good_serves()


class Stops(InPlaceCase):
    def base(self):
        return self.release("base", "good")

    def test_a_stop_in_the_middle_undoes_the_swap_and_the_next_start_makes_it(self):
        file, caller, answers = self.hold_a_call()
        self.begin("v2", "better")
        self.wait_for_log("swap.prepared version=v2")
        self.m1.process.send_signal(signal.SIGTERM)
        self.wait_for_log("swap.aborted version=v2")
        file.touch()
        caller.join()
        self.assertIn("1 visits, by good", answers[0], "what was begun is finished")
        self.assertEqual(0, self.m1.process.wait(20))
        self.m1.start()
        wait_until(lambda: "by better" in (self.page() or ""), self.m1.tail, 30)


if __name__ == "__main__":
    unittest.main()
