"""Drives the shipped `midair status` against a file:// store; the machines are played by hand."""

import json
import signal
import subprocess
import unittest

from hot_case import BASE, MIDAIR, HotTest, now
from looks import Looks


class Status(HotTest):
    def publish(self, deployed_at, version="v2"):
        upgrade = {"version": version, "source_image_ref": "midair/web:deployment-01NOW", "deployed_at": deployed_at,
                   "tarball_url": f"file://{self.path(version + '.tar.gz')}", "sha256": "a" * 64, "size": 3,
                   "sequence": 7, "strategy": "handover", "fence": 1}
        self.put("current.json", {"image_ref": BASE, "set_at": deployed_at, "hot_upgrade": upgrade,
                                  "blue_green_upgrade": None})

    def verdicts(self):
        result = self.midair("status", "--json")
        self.assert_status(0, result)
        return {machine["machine_id"]: machine["verdict"] for machine in json.loads(result.stdout)["machines"]}

    def test_every_verdict(self):
        self.publish(now(-1))
        self.check_in("current", hot_ref="midair/web:deployment-01NOW", version="v2", digest="a" * 64, sequence=7)
        self.check_in("silent", "at-work", "broken", "returned")
        self.check_in("other", base_image_ref="another")
        self.check_in("asleep", state="stopped")
        self.put("machines/garbled.json", "{")
        self.report("01NOW", "at-work", "pending")
        self.report("01NOW", "broken", "failed", "no space left")
        self.report("01NOW", "returned", "rolled_back", "it crashed")
        expected = {"current": "up_to_date", "silent": "pending", "at-work": "pending", "broken": "failed",
                    "returned": "rolled_back", "other": "base_image", "asleep": "stopped", "garbled": "unreadable"}
        self.assertEqual(expected, self.verdicts())
        self.publish(now(-3600))
        self.assertEqual({**expected, "silent": "stale"}, self.verdicts())

        table = self.midair("status").stdout
        self.assertRegex(table, r"web: v2, sequence 7, published 1h ago, for base image " + BASE)
        self.assertRegex(table, r"MACHINE +REGION +BASE +VERSION +DIGEST +FINGERPRINT +STATE +VERDICT")
        self.assertRegex(table, r"current +iad +01JBASE +v2 +a{12} +f{12} +serving +up to date")
        self.assertRegex(table, r"broken .* failed: no space left")
        self.assertRegex(table, r"other .* on its base image: the pointer is for another base image")

    def test_looking_at_a_store_that_is_not_there_creates_none(self):
        self.store.rmdir()
        for command in (("status",), ("status", "--watch"), ("status", "--json"),
                        ("hot", "--from", self.release, "--dry-run")):
            with self.subTest(command):
                result = self.midair(*command)
                self.assert_status(69, result)
                self.assertIn(f"file://{self.store}", result.stderr)
                self.assertIn("the directory is not there", result.stderr)
                self.assertEqual("", result.stdout)
                self.assertFalse(self.store.exists())
        self.assert_status(65, self.hot())  # no machine has checked in
        self.assertTrue(self.store.is_dir())

    def test_before_the_first_publication(self):
        self.assertIn("No machine has checked in", self.midair("status").stdout)
        self.check_in("m1")
        self.assertEqual({"m1": "base_image"}, self.verdicts())
        self.assertIn("web: no hot upgrade is published", self.midair("status").stdout)
        self.assertIsNone(json.loads(self.midair("status", "--json").stdout)["pointer"])

    def test_foreign_text_cannot_steer_the_terminal(self):
        self.publish(now(-1))
        self.check_in("m1")
        self.report("01NOW", "m1", "failed", "\x1b[2Jgone")
        self.assertNotIn("\x1b", self.midair("status").stdout)

    def test_one_machine_is_told_of_in_full(self):
        self.publish(now(-1))
        self.check_in("m1", "m2")
        self.report("01NOW", "m1", "failed", "it exited with status 3", "staged", exit_status=3,
                    output=["one\x1b[2J", "two"])
        brief = self.midair("status").stdout
        self.assertNotIn("| two", brief)
        full = self.midair("status", "m1").stdout
        self.assertRegex(full, r"m1 .*\n +in step 'staged' its process exited with status 3; it wrote:\n"
                               r" +\| one\?\[2J\n +\| two\n$")
        self.assertNotIn("m2", full)
        (machine,) = json.loads(self.midair("status", "m1", "--json").stdout)["machines"]
        self.assertEqual((3, "staged"), (machine["result"]["exit_status"], machine["result"]["step"]))
        (machine,) = json.loads(self.midair("status", "m2", "--json").stdout)["machines"]
        self.assertNotIn("result", machine)
        nobody = self.midair("status", "m3")
        self.assert_status(66, nobody)
        self.assertIn("machine 'm3'", nobody.stderr)

    def test_a_problem_of_a_machine_has_a_line_of_its_own(self):
        self.check_in("broken", problem="cannot write /var: no space left\x1b[2J")
        self.check_in("well")
        self.assertRegex(self.midair("status").stdout,
                         r"broken .*\n  problem: cannot write /var: no space left \[2J\nwell .*\n$")
        broken, well = json.loads(self.midair("status", "--json").stdout)["machines"]
        self.assertEqual("cannot write /var: no space left\x1b[2J", broken["problem"])
        self.assertNotIn("problem", well)

    def test_watching_prints_a_document_for_each_change(self):
        self.publish(now(-1))
        self.check_in("m1")
        process = self.start("status", "--watch", "--json")
        self.assertEqual("pending", json.loads(process.stdout.readline())["machines"][0]["verdict"])
        with Looks(self.path("machines")) as looks:
            looks.wait(times=2)  # a look without a change prints nothing
        self.report("01NOW", "m1", "failed", "no")
        self.assertEqual("failed", json.loads(process.stdout.readline())["machines"][0]["verdict"])
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=10)
        self.assertEqual((0, "", ""), (process.returncode, output, errors))

    def test_the_exit_status_says_whether_all_are_up_to_date(self):
        self.assert_status(1, self.midair("status", "--check"))  # nobody has ever checked in
        self.publish(now(-1))
        self.check_in("current", hot_ref="midair/web:deployment-01NOW", version="v2", digest="a" * 64, sequence=7)
        self.check_in("asleep", state="stopped")
        self.assert_status(0, self.midair("status", "--check"))
        self.assert_status(0, self.midair("status", "--wait"))
        self.check_in("late")
        self.assert_status(1, self.midair("status", "--check"))
        self.report("01NOW", "late", "failed", "no space left")
        self.assert_status(1, self.midair("status", "--check"))
        self.assert_status(1, self.midair("status", "--wait"))  # at once: there is nothing to wait for
        self.assert_status(0, self.midair("status"))
        self.assert_status(64, self.midair("status", "--watch", "--check"))

    def test_waiting_ends_when_all_are_up_to_date(self):
        self.publish(now(-1))
        self.check_in("m1")
        process = self.start("status", "--wait", "--json")
        self.assertEqual("pending", json.loads(process.stdout.readline())["machines"][0]["verdict"])
        self.check_in("m1", hot_ref="midair/web:deployment-01NOW", version="v2", digest="a" * 64, sequence=7)
        output, errors = process.communicate(timeout=10)
        self.assertEqual(("up_to_date", "", 0), (json.loads(output)["machines"][0]["verdict"], errors,
                                                 process.returncode))

    def test_waiting_ends_when_its_time_is_up(self):
        self.publish(now(-1))
        self.check_in("m1")
        result = self.midair("status", "--wait", "--timeout", "100ms")
        self.assert_status(1, result)
        self.assertIn("not all are up to date after 100ms", result.stderr)

    def test_a_refused_release_is_called_so(self):
        self.publish(now(-1))
        pointer = self.pointer()
        pointer["hot_upgrade"]["refused"] = True
        pointer["last_good"] = {"version": "v1", "source_image_ref": "midair/web:deployment-01OLD", "image_ref": BASE,
                                "tarball_url": "file:///v1"}
        self.put("current.json", pointer)
        self.check_in("m1")
        self.assertIn("refused by all machines that tried it; those that start run v1, the last good release",
                      self.midair("status").stdout)
        shown = json.loads(self.midair("status", "--json").stdout)["pointer"]
        self.assertEqual((True, "v1"), (shown["refused"], shown["last_good"]))

    def test_an_app_must_be_named(self):
        result = subprocess.run([str(MIDAIR), "--store", f"file://{self.store}", "status"], cwd=self.root,
                                env=self.env, timeout=30, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.assertEqual(65, result.returncode)
        self.assertIn("Try: --app NAME", result.stderr)


if __name__ == "__main__":
    unittest.main()
