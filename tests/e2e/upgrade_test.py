"""Upgrades under load: no request fails, no message is lost, ten times in a row."""

import json
import subprocess
import unittest

from case import FleetCase
from fleet import wait_until

UPGRADES = 10


class UpgradeUnderLoad(FleetCase):
    def test_ten_upgrades_in_a_row_fail_no_request_and_lose_no_message(self):
        machines = [self.started("m1"), self.started("m2")]
        loads = [self.load(machine) for machine in machines]
        for load in loads:
            load.wait_for_requests(100)
        versions = [f"r{number}" for number in range(1, UPGRADES + 1)]
        for version in versions:
            self.publish(version)
            for machine, load in zip(machines, loads):
                self.assertEqual(machine.version(), version)
                load.wait_for_requests(load.latest()["requests"] + 50)
        for machine, load in zip(machines, loads):
            summary = self.assert_unharmed(machine, load)
            self.assertEqual(set(summary["versions"]), {"base", *versions})
            print(f"{machine.name}: {summary['requests']} requests, 0 failed, {summary['reconnects']} reconnects, "
                  f"longest pause {summary['pause_ms']:.0f} ms, p99.9 {summary['p999_ms']:.1f} ms")


class WhileAnUpgradeIsMade(FleetCase):
    def test_of_newer_upgrades_the_newest_waits_for_its_end(self):
        machine = self.started(options={"--probation": "5s"})
        newer = {}
        for version in "r3", "r4":
            done = self.hot(version, "--force", "--image", "counter:deployment-01OTHER")
            self.assertEqual(done.returncode, 0, done.stderr)
            newer[version] = self.store.pointer()["hot_upgrade"]
        agent = self.resources.enter_context(subprocess.Popen(
            self.agent.hot(self.release("r2"), "r2"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            env=self.agent.environment()))
        self.resources.callback(agent.terminate)
        wait_until(lambda: "swap.probation version=r2" in machine.log(), machine.tail)
        for version in "r3", "r4":
            named = {key: newer[version][key] for key in ("version", "sha256", "size", "tarball_url")}
            self.store.write_pointer(json.dumps(self.store.edited_pointer(image=machine.image, **named)))
            machine.wait_for_polls()
        machine.wait_for_version("r4", 30)
        log = machine.log()
        self.assertNotIn("swap.fetching version=r3", log)
        self.assertLess(log.index("swap.committed version=r2"), log.index("swap.fetching version=r4"))


class WhatAnUpgradeLeaves(FleetCase):
    def test_a_republication_that_this_disk_can_not_record_is_reported_and_tried_again(self):
        machine = self.started()
        self.publish("r1")
        marker = machine.state_dir / "marker.json"
        marker.unlink()
        marker.mkdir()  # no file can be renamed over it
        self.assertEqual(self.agent.run_hot(self.release("r1"), "r1", "--timeout", "3s").returncode, 1)
        self.assertIn("marker.json", self.store.wait_for_error(machine.name, "r1")["error"])
        self.assertEqual(machine.version(), "r1")
        marker.rmdir()
        self.store.wait_for_result(machine.name, "r1", "completed", timeout=30)

    def test_result_and_record_name_what_the_new_code_itself_runs(self):
        machine = self.started()
        self.publish("r1")
        pointer, result, record = self.store.pointer(), self.store.result("m1", "r1"), self.store.record("m1")
        digest = pointer["hot_upgrade"]["sha256"]
        self.assertEqual((result["status"], result["success"]), ("completed", True))
        self.assertEqual(result["observed_digest"], digest)
        self.assertEqual((record["version"], record["digest"], record["state"]), ("r1", digest, "serving"))
        self.assertEqual(machine.get()["digest"], digest)

    def test_publishing_what_already_runs_changes_nothing(self):
        machine = self.started()
        self.publish("r1")
        before = machine.processes()
        self.hot("r1")
        self.assertEqual(machine.version(), "r1")
        self.assertEqual(sorted(before), sorted(machine.processes()))

    def test_a_version_with_other_bytes_is_refused(self):
        machine = self.started()
        self.publish("r1")
        done = self.hot("r1", directory=self.release("other"))
        self.assertEqual(done.returncode, 65, done.stderr)
        self.assertEqual(machine.version(), "r1")

    def test_going_back_is_shipping_the_old_directory_again(self):
        machine = self.started()
        for version in ("r1", "r2", "r1"):
            self.publish(version)
            self.assertEqual(machine.version(), version)
        self.assertEqual(self.store.pointer()["hot_upgrade"]["sequence"], 3)

    def test_a_dry_run_leaves_the_store_as_it_was(self):
        self.started()
        before = sorted(path for path in self.store.directory.rglob("*"))
        done = self.hot("r1", "--dry-run")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("1 machine", done.stdout)
        self.assertEqual(before, sorted(path for path in self.store.directory.rglob("*")))


if __name__ == "__main__":
    unittest.main()
