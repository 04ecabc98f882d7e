"""Drives the shipped `midair hot` against a file:// store; the machines are played by hand."""

import hashlib
import itertools
import json
import os
import shutil
import signal
import time
import unittest

from hot_case import BASE, HotTest, now
from looks import Looks


class Publishing(HotTest):
    def test_all_machines_upgraded_is_success(self):
        self.check_in("m1", "m2", "m3")
        self.play_completed("m1", "m2", "m3")
        result = self.hot("--version", "v1")
        self.assert_status(0, result)
        for words in ("packed     v1: 1 file", "covers     3 machines on base image " + BASE, "locked",
                      "uploaded   releases/web-v1.tar.gz", "published  sequence 1", "paused 9 ms, took 433 ms",
                      "3 of 3 machines upgraded to v1"):
            self.assertIn(words, result.stdout)
        self.assertEqual("", result.stderr)
        self.assertFalse(self.path("deploy.lock").exists())
        self.assertEqual([], list(self.tmp.iterdir()))

    def test_the_pointer_says_everything_about_the_release(self):
        self.check_in("m1")
        self.play_completed("m1")
        self.assert_status(0, self.hot("--version", "v1"))
        pointer = self.pointer()
        tarball = self.path("v1.tar.gz").read_bytes()
        upgrade = pointer["hot_upgrade"]
        self.assertEqual(BASE, pointer["image_ref"])
        self.assertEqual({"version": "v1", "tarball_url": f"file://{self.path('v1.tar.gz')}", "size": len(tarball),
                          "sha256": hashlib.sha256(tarball).hexdigest(), "sequence": 1, "strategy": "handover"},
                         {key: upgrade[key] for key in ("version", "tarball_url", "size", "sha256", "sequence",
                                                        "strategy")})
        self.assertRegex(upgrade["source_image_ref"], r"^midair/web:deployment-[0-9A-HJKMNP-TV-Z]{26}$")
        self.assertEqual(self.path("current.json").read_text(),
                         self.path("history/000000000001.json").read_text())

    def test_events_are_json_lines(self):
        self.check_in("m1", "m2")
        self.check_in("m3", state="stopped")
        self.play({"m1": ("completed", None), "m2": ("rolled_back", "it crashed in probation")})
        result = self.hot("--version", "v1", "--json")
        self.assert_status(1, result)
        events = self.events(result)
        self.assertEqual(["packed", "fleet", "locked", "uploaded", "published"],
                         [event["event"] for event in events[:5]])
        fleet = events[1]
        self.assertEqual((BASE, ["m1", "m2"]), (fleet["base_image"], fleet["covered"]))
        self.assertEqual([{"machine_id": "m3", "reason": "stopped; it looks for its upgrade when it starts"}],
                         fleet["uncovered"])
        results = [event for event in events if event["event"] == "result"]
        self.assertIn(("m2", "rolled_back", "it crashed in probation"),
                      [(event["machine_id"], event["status"], event.get("error")) for event in results])
        summary = events[-1]
        self.assertEqual(("summary", 1, 0, 1, 0, False),
                         tuple(summary[key] for key in ("event", "upgraded", "failed", "rolled_back", "no_answer",
                                                        "interrupted")))
        self.assertEqual({"pack", "lock", "upload", "publish", "follow", "total"}, set(summary["took_ms"]))
        self.assertEqual([{"machine_id": "m1", "region": "iad", "outcome": "upgraded", "why": ""},
                          {"machine_id": "m2", "region": "iad", "outcome": "rolled_back",
                           "why": "it crashed in probation"}], summary["machines"])

    def test_a_silent_machine_is_named_and_not_counted_as_upgraded(self):
        self.check_in("m1", "m2")
        self.play_completed("m1")
        result = self.hot("--version", "v1", "--timeout", "2s")
        self.assert_status(1, result)
        self.assertRegex(result.stdout, r"m2 +iad +no answer +it said nothing")
        self.assertIn("1 of 2 machines upgraded to v1, 1 gave no answer", result.stdout)

    def test_a_machine_that_is_still_at_it_says_why(self):
        self.check_in("m1")
        process = self.start("hot", "--from", self.release, "--version", "v1", "--timeout", "3s")
        self.report(self.wait_for_upgrade(), "m1", "pending", "no \x1b[2J space", step="staged")
        output, errors = process.communicate(timeout=20)
        self.assertEqual(1, process.returncode, errors)
        self.assertRegex(output, r"m1 +iad +staged +no \?\[2J space\n")
        self.assertRegex(output, r"m1 +iad +no answer +it is still at 'staged': no \?\[2J space\n")

    def test_a_machine_that_appears_meanwhile_is_followed(self):
        self.check_in("m1")
        process = self.start("hot", "--from", self.release, "--json")
        upgrade_id = self.wait_for_upgrade()
        self.check_in("m2")
        with Looks(self.path("machines")) as looks:
            looks.wait()
        self.report(upgrade_id, "m1", "completed")
        while (event := json.loads(process.stdout.readline()))["event"] != "result":
            self.assertNotEqual(event["event"], "summary", "it didn't wait for m1")
        with Looks(self.path(f"results/{upgrade_id}")) as looks:
            looks.wait()  # for m2
        self.report(upgrade_id, "m2", "completed")
        output, _ = process.communicate(timeout=20)
        self.assertEqual(2, json.loads(output.splitlines()[-1])["upgraded"])

    def test_the_version_comes_from_the_manifest_or_the_time(self):
        self.check_in("m1")
        self.play_completed("m1")
        self.assert_status(0, self.hot())
        upgrade = self.pointer()["hot_upgrade"]
        self.assertRegex(upgrade["version"], r"^\d{8}T\d{6}-[0-9A-HJKMNP-TV-Z]{6}$")
        (self.release / "midair.json").write_text('{"version":"2.1"}')
        self.play_completed("m1")
        self.assert_status(0, self.hot())
        self.assertEqual(("2.1", 2), (self.pointer()["hot_upgrade"]["version"],
                                      self.pointer()["hot_upgrade"]["sequence"]))

    def test_a_dry_run_changes_nothing(self):
        self.check_in("m1")
        before = self.objects()
        result = self.hot("--version", "v1", "--dry-run")
        self.assert_status(0, result)
        self.assertIn("would      upload releases/web-v1.tar.gz", result.stdout)
        self.assertIn("would      publish it as sequence 1", result.stdout)
        self.assertEqual(before, self.objects())
        plan = self.events(self.hot("--version", "v1", "--dry-run", "--json"))[-1]
        self.assertEqual({"event": "plan", "sequence": 1, "tarball": "releases/web-v1.tar.gz", "upload": True}, plan)

    def test_the_same_bytes_are_uploaded_once_and_other_bytes_refused(self):
        self.check_in("m1")
        self.play_completed("m1")
        self.assert_status(0, self.hot("--version", "v1"))
        self.play_completed("m1")
        result = self.hot("--version", "v1")
        self.assert_status(0, result)
        self.assertIn("uploaded   nothing; the same bytes are at releases/web-v1.tar.gz", result.stdout)
        (self.release / "app.sh").write_text("echo two\n")
        result = self.hot("--version", "v1")
        self.assert_status(65, result)
        self.assertIn("Try: another --version", result.stderr)
        self.assertEqual(2, self.pointer()["hot_upgrade"]["sequence"])
        self.assertFalse(self.path("deploy.lock").exists())

    def test_what_nobody_refers_to_is_cleaned_up(self):
        self.check_in("m1")
        hours_ago = time.time() - 7200
        for version in ("orphan", "young"):
            self.put(f"{version}.tar.gz", "old bytes")
        os.utime(self.path("orphan.tar.gz"), (hours_ago, hours_ago))
        for number in range(7):
            self.play_completed("m1")
            self.assert_status(0, self.hot("--version", f"v{number}"))
        self.assertFalse(self.path("orphan.tar.gz").exists())
        self.assertTrue(self.path("young.tar.gz").exists())
        self.assertEqual(5, len(list(self.path("results").iterdir())))
        self.assertEqual(7, len(list(self.path("history").iterdir())))
        self.assertTrue(self.path("v0.tar.gz").exists())


class Refusals(HotTest):
    def lock(self, expires_in, **fields):
        self.put("deploy.lock", {"locked_by": "peer@bench", "locked_at": now(-60), "deployment_id": "deployment-PEER",
                                 "expires_at": now(expires_in), **fields})

    def test_a_held_lock_is_told_with_its_holder(self):
        self.check_in("m1")
        self.lock(120)
        result = self.hot()
        self.assert_status(75, result)
        self.assertRegex(result.stderr, r"peer@bench holds it since .* \(1m.* ago\) to deploy deployment-PEER")
        self.assertIn("--force", result.stderr)
        self.assertTrue(self.path("deploy.lock").exists())
        self.assertFalse(self.path("current.json").exists())

    def test_force_takes_the_lock_and_says_from_whom(self):
        self.check_in("m1")
        self.lock(120, fence=41)
        self.play_completed("m1")
        result = self.hot("--force")
        self.assert_status(0, result)
        self.assertIn("NOTICE: took the lock from peer@bench", result.stdout)
        self.assertEqual(42, self.pointer()["hot_upgrade"]["fence"])
        self.assertFalse(self.path("deploy.lock").exists())

    def test_a_lock_whose_holder_died_is_taken_over_after_the_lock_timeout(self):
        self.check_in("m1")
        self.lock(-5)
        self.play_completed("m1")
        began = time.monotonic()
        result = self.hot("--lock-timeout", "2s")
        self.assert_status(0, result)
        self.assertGreater(time.monotonic() - began, 2)
        self.assertIn("took the lock from peer@bench", result.stdout)

    def test_of_two_agents_at_once_one_publishes_and_the_other_is_told(self):
        self.check_in("m1")
        first = self.start("hot", "--from", self.release)
        upgrade_id = self.wait_for_upgrade()
        second = self.hot()
        self.assert_status(75, second)
        self.assertIn(f"to deploy midair/web:deployment-{upgrade_id}", second.stderr)
        self.report(upgrade_id, "m1", "completed")
        self.assertEqual(0, first.wait(timeout=20))
        self.assertEqual(1, self.pointer()["hot_upgrade"]["sequence"])

    def test_machines_that_disagree_need_an_image(self):
        self.check_in("m1", "m2")
        self.check_in("m3", base_image_ref="registry.fly.io/web:deployment-01JNEWER")
        result = self.hot()
        self.assert_status(65, result)
        self.assertIn(f"{BASE} (2 machines), registry.fly.io/web:deployment-01JNEWER (1 machine)", result.stderr)
        self.assertIn("Try: choose one with --image REF", result.stderr)
        self.play_completed("m3")
        result = self.hot("--image", "registry.fly.io/web:deployment-01JNEWER")
        self.assert_status(0, result)
        self.assertRegex(result.stdout, r"m1 +iad +not covered +runs another base image")

    def test_an_empty_fleet_needs_force_and_an_image(self):
        self.assert_status(65, self.hot())
        self.assert_status(65, self.hot("--force"))
        self.assert_status(65, self.hot("--image", BASE))
        self.assert_status(0, self.hot("--image", BASE, "--force"))

    def test_bad_input_has_its_status(self):
        self.check_in("m1")
        self.assert_status(66, self.midair("hot", "--from", self.root / "nowhere"))
        (self.root / "empty").mkdir()
        self.assert_status(65, self.midair("hot", "--from", self.root / "empty"))
        self.assert_status(65, self.hot("--version", "../v1"))
        self.assert_status(64, self.midair("hot"))
        self.assert_status(64, self.hot("--lock-timeout", "10ms"))
        os.symlink("../outside", self.release / "leaves")
        self.assert_status(65, self.hot())
        self.assertEqual({"releases/web-machines/m1.json"}, set(self.objects()))

    def test_what_cannot_be_packed_makes_no_store(self):
        self.store.rmdir()
        (self.root / "empty").mkdir()
        nowhere = self.root / "nowhere"
        for directory, status, why in ((nowhere, 66, f"cannot pack {nowhere}: there is no such directory"),
                                       (self.root / "empty", 65, str(self.root / "empty"))):
            with self.subTest(directory.name):
                result = self.midair("hot", "--from", directory)
                self.assert_status(status, result)
                self.assertIn(why, result.stderr)
                self.assertEqual("", result.stdout)
                self.assertFalse(self.store.exists())

    def test_a_pointer_that_makes_no_sense_is_not_overwritten(self):
        self.check_in("m1")
        self.put("current.json", "<html>login</html>")
        self.assert_status(65, self.hot())
        self.assertEqual("<html>login</html>", self.path("current.json").read_text())
        self.assertFalse(self.path("deploy.lock").exists())

    def test_a_store_in_trouble_has_its_status(self):
        self.check_in("m1")
        shutil.rmtree(self.store)
        self.store.write_text("not a directory")
        result = self.hot()
        self.assertIn(result.returncode, (69, 74, 78), result.stderr)
        self.store.unlink()
        self.store.mkdir()


class Interrupts(HotTest):
    def test_after_the_pointer_the_machines_go_on_by_themselves(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            with self.subTest(number):
                self.check_in("m1")
                last = None
                if self.path("current.json").exists():
                    last = self.wait_for_upgrade()
                process = self.start("hot", "--from", self.release)
                self.wait_for_upgrade(last)
                process.send_signal(number)
                output, errors = process.communicate(timeout=20)
                self.assertEqual(130, process.returncode, errors)
                self.assertIn("the machines go on by themselves. Look with: midair status --watch", output)
                self.assertFalse(self.path("deploy.lock").exists())

    def test_a_terminal_that_goes_away_leaves_no_lock(self):
        # Of two that are pending, the lower number is delivered first: the order in which they are sent tells nothing.
        for numbers in itertools.permutations((signal.SIGHUP, signal.SIGQUIT)):
            with self.subTest(numbers):
                self.check_in("m1")
                last = self.wait_for_upgrade() if self.path("current.json").exists() else None
                process = self.start("hot", "--from", self.release)
                self.wait_for_upgrade(last)
                for number in numbers:
                    process.send_signal(number)
                _, errors = process.communicate(timeout=20)
                self.assertEqual(130, process.returncode, errors)
                self.assertFalse(self.path("deploy.lock").exists())

    def test_before_the_pointer_nothing_is_published(self):
        self.check_in("m1")
        self.put("deploy.lock", {"locked_by": "peer@bench", "locked_at": now(-600), "deployment_id": "d",
                                 "expires_at": now(-300)})
        with Looks(self.store / "releases") as looks:
            process = self.start("hot", "--from", self.release, "--json")
            looks.wait("web-deploy.lock", times=2)  # it watches the expired lock
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=20)
        self.assertEqual(130, process.returncode, errors)
        self.assertIn("interrupted; nothing was published", errors)
        self.assertFalse(self.path("current.json").exists())
        self.assertEqual("peer@bench", json.loads(self.path("deploy.lock").read_text())["locked_by"])


if __name__ == "__main__":
    unittest.main()
