"""What FlyDeploy 0.4.2 does wrong when the code of processes that stay is replaced, case by case, and that we don't.

Its processes are units of state here; its supervisor is the process in which they live."""

import shutil
import unittest

from fleet import wait_until
from in_place_case import InPlaceCase, Visitors


class PeerInPlace(InPlaceCase):
    suspend_timeout = "2s"

    def base(self):
        return self.release("base")

    def fails(self, version, variant):
        """An upgrade that must fail, for good or until the machine tries again; returns the machine's result."""
        self.assertEqual(1, self.hot(version, directory=self.release(version, variant)).returncode, self.m1.tail(40))
        return self.store.wait_for_error("m1", version)

    def visit_users(self, number):
        """As many units of state, beside that of the visitors."""
        for user in range(number):
            self.page(f"/user/{user}")

    def assert_old_code_serves(self):
        self.assertIn("by good", self.page())
        self.assert_nobody_noticed()


class Migrations(PeerInPlace):
    def test_a_hundred_failures_in_a_thousand_are_told_and_cost_nothing(self):
        """The peer reports success for all 1,000; 100 of them run new code on old state."""
        self.visit_users(999)
        result = self.fails("v2", "dislikes_every_tenth")
        self.assertEqual((100, 900, 0), tuple(result[key] for key in
                                              ("processes_failed", "processes_succeeded", "modules_reloaded")))
        self.assertIn("100 of 1000 units failed", result["error"])
        self.assertEqual("/user/990: 2 visits, by good\n", self.page("/user/990"))
        self.assert_old_code_serves()

    def test_a_migration_that_takes_too_long_is_given_up_and_costs_nothing(self):
        """At the peer one that takes 6 s against 5 s kills all 1,000 processes; its result stays pending for ever."""
        self.visit_users(500)
        self.assertIn("migrate", self.fails("v2", "is_slow")["error"])
        self.assertEqual("/user/499: 2 visits, by good\n", self.page("/user/499"))
        self.assert_old_code_serves()

    def test_one_that_cannot_even_be_given_up_ends_in_a_new_process(self):
        """Nobody can take a thread back that hangs in a module. The peer would wait, or lose all without a word."""
        self.fails("v2", "hangs_unrehearsed")
        self.assertNotEqual(self.pid, self.pid_that_serves())
        wait_until(lambda: "by good" in (self.page() or ""), self.m1.tail, 30)
        self.visitors.wait_for_more(20)
        self.assertEqual("better", self.publish("v3", "better") and self.page().split()[-1])


class BusyCallers(PeerInPlace):
    suspend_timeout = "4s"  # the second try must not be over before the test has let the caller go

    def test_one_holds_up_fifty_others_no_longer_than_the_deadline(self):
        """At the peer all others stay suspended until it is free, and 351 calls time out."""
        crowd = Visitors(self.m1, 50, [f"/user/{user}" for user in range(50)])
        self.resources.callback(crowd.finish)
        file, caller, answers = self.hold_a_call()
        error = self.fails("v2", "better")["error"]
        self.assertIn("calls were still under way", error)
        crowd.wait_for_more(200)  # while the one is as busy as ever
        self.assertTrue(caller.is_alive())
        file.touch()
        caller.join()
        self.assertIn("1 visits", answers[0])
        self.store.wait_for_result("m1", "v2", "completed", 60)
        crowd.finish()
        self.assertEqual([], crowd.failures)
        self.assertIn("by better", self.page())
        self.assert_nobody_noticed()

    def test_one_that_nobody_else_calls_is_not_left_suspended(self):
        """At the peer it obeys the suspension after that was given up, and stays suspended for ever."""
        file, caller, answers = self.hold_a_call()
        self.fails("v2", "dislikes_every_tenth")
        file.touch()
        caller.join()
        self.assertIn("1 visits, by good", answers[0])
        self.assertIn("2 visits", self.page(f"/until{file}"))
        self.assert_remembered()


class Versions(PeerInPlace):
    def test_three_in_a_row_each_replace_the_module(self):
        """The peer does this well, too."""
        for version, variant in ("v1", "better"), ("v2", "good"), ("v3", "better"):
            result = self.publish(version, variant)
            self.assertEqual((1, ["hits"], 0), (result["modules_reloaded"], result["module_names"],
                                                result["processes_failed"]))
            self.assertIn(f"by {variant}", self.page())
        self.assert_nobody_noticed()

    def test_a_new_version_of_the_same_modules_is_no_silent_no_op(self):
        """The peer reports success, reloads nothing, and says it runs the new version. Here a new process does: what
        differs lies outside of the modules. The state comes along."""
        result = self.publish("v1", "good")
        self.assertEqual((0, []), (result["modules_reloaded"], result["module_names"]))
        self.assertEqual(self.store.pointer()["hot_upgrade"]["sha256"], result["observed_digest"])
        self.assertRegex(self.m1.log(), "swap.other_strategy .*none of its modules differs")
        self.assertNotEqual(self.pid, self.pid_that_serves())
        self.assert_remembered()


class Kills(PeerInPlace):
    probation = "30s"

    def kill_after_the_switch(self):
        self.begin("v2", "better")
        self.wait_for_log("swap.probation version=v2")
        self.visitors.finish()
        self.m1.kill()
        self.m1.options["--probation"] = "500ms"

    def assert_runs(self, variant, version):
        """What serves is what the sidecar says."""
        wait_until(lambda: f"by {variant}" in (self.page() or ""), self.m1.tail, 60)
        wait_until(lambda: self.m1.status()["version"] == version, self.m1.tail, 30)

    def test_right_after_the_switch_it_starts_as_the_new_code(self):
        """The peer does, too, but its result stays pending for ever."""
        self.kill_after_the_switch()
        self.m1.start()
        self.assert_runs("better", "v2")
        self.assertTrue(self.store.wait_for_result("m1", "v2", "completed", 30)["success"])

    def test_right_after_the_switch_with_the_store_away_it_tells_what_really_runs(self):
        """The peer starts v1, reports the fingerprint of v2, and never upgrades when the store is back."""
        base = self.m1.status()["fingerprint"]
        for disk in "kept", "reset":
            with self.subTest(disk=disk):
                if disk == "kept":
                    self.kill_after_the_switch()
                else:
                    self.m1.kill()
                    shutil.rmtree(self.m1.state_dir)  # as Fly does with a root disk
                away = self.store.directory / "away"
                self.store.releases.rename(away)
                self.store.releases.write_text("no directory")
                self.m1.start()
                self.assert_runs("good", "")
                self.assertEqual(base, self.m1.status()["fingerprint"])
                self.store.releases.unlink()
                away.rename(self.store.releases)
                self.assert_runs("better", "v2")
                self.store.wait_for_result("m1", "v2", "completed", 30)


if __name__ == "__main__":
    unittest.main()
