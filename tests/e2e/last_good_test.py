"""What a machine serves that starts after a bad release: the last good one, not its image's code."""

import json
import shutil
import subprocess
import unittest

from case import FleetCase
from fleet import wait_until


class AfterABadRelease(FleetCase):
    """r1 is committed on m1, r2 was rolled back there."""

    def setUp(self):
        super().setUp()
        self.m1 = self.started()
        self.publish("r1")
        self.told = self.hot("r2", directory=self.broken_release("r2"))
        self.assertEqual(self.told.returncode, 1, self.told.stdout + self.told.stderr)

    def first_answer(self, machine, within=20):
        """The version of the first answer after a start: nothing else was served before."""
        version = wait_until(machine.version, machine.tail, within)
        self.assertEqual(machine.status()["generation"], 1, machine.tail())
        return version

    def restart(self, machine, wipe):
        self.assertEqual(machine.stop(), 0, machine.tail())
        if wipe:
            shutil.rmtree(machine.state_dir)
        machine.start()

    def lose_store(self, machine):
        machine.store = "s3://nowhere"
        machine.env = {"AWS_ENDPOINT_URL_S3": "http://127.0.0.1:9", "AWS_ACCESS_KEY_ID": "k", "AWS_SECRET_ACCESS_KEY": "s"}

    def edit_pointer(self, edit):
        pointer = self.store.pointer()
        edit(pointer)
        self.store.write_pointer(json.dumps(pointer))

    def unmark(self):
        """As it is while the agent follows, or after it was killed."""
        self.edit_pointer(lambda pointer: pointer["hot_upgrade"].pop("refused"))

    # -- the agent

    def test_the_pointer_and_the_agent_say_what_machines_run_that_start(self):
        pointer = self.store.pointer()
        self.assertIs(pointer["hot_upgrade"]["refused"], True)
        self.assertEqual((pointer["last_good"]["version"], pointer["last_good"]["image_ref"]), ("r1", self.m1.image))
        self.assertRegex(self.told.stdout, "machines that start run r1, the last good release: none tries r2 again")
        self.assertRegex(self.told.stdout, r"go back to r1: midair rollback")
        done = self.hot("r3", directory=self.broken_release("r3"))
        self.assertIn("machines that start run r1, the last good release", done.stdout)
        self.publish("r4")
        pointer = self.store.pointer()
        self.assertNotIn("refused", pointer["hot_upgrade"])
        self.assertEqual(pointer["last_good"]["version"], "r1")
        self.publish("r5")
        self.assertEqual(self.store.pointer()["last_good"]["version"], "r4")

    # -- the store is there

    def test_a_new_machine_starts_the_last_good_release(self):
        fresh = self.machine("m2").start()
        self.assertEqual(self.first_answer(fresh), "r1")
        self.assertNotIn("version=r2", fresh.log())
        self.assertIn("every machine that tried it failed", self.store.wait_for_result("m2", "r2", "failed")["error"])
        self.store.wait_for_result("m2", "r1", "completed")
        self.publish("r3")
        self.assertEqual((fresh.version(), self.m1.version()), ("r3", "r3"))

    def test_a_machine_whose_disk_was_lost_starts_it_too(self):
        self.restart(self.m1, wipe=True)
        self.assertEqual(self.first_answer(self.m1), "r1")

    def test_a_machine_whose_disk_was_kept_starts_it_too(self):
        self.restart(self.m1, wipe=False)
        self.assertEqual(self.first_answer(self.m1), "r1")
        self.assertEqual(self.agent.status()["m1"]["verdict"], "rolled_back")

    def test_what_no_agent_has_marked_is_tried_once_and_then_the_last_good_release_runs(self):
        self.unmark()
        fresh = self.machine("m2").start()
        fresh.wait_for_version("r1", 30)
        self.store.wait_for_result("m2", "r1", "completed")
        self.store.wait_for_result("m2", "r2", "rolled_back")
        self.assertNotIn('release="the base image"', fresh.log())
        self.assertEqual(fresh.file("marker.json")["version"], "r1")
        fresh.wait_for_polls()
        self.assertEqual(fresh.log().count("swap.probation version=r2"), 1, "once is enough")
        self.restart(fresh, wipe=False)
        self.assertEqual(self.first_answer(fresh), "r1")
        self.assertEqual(fresh.log().count("swap.probation version=r2"), 1)

    def test_what_the_policy_refuses_gives_way_to_the_last_good_release(self):
        def edit(pointer):
            del pointer["hot_upgrade"]["refused"]
            pointer["hot_upgrade"]["strategy"] = "unheard-of"
        self.edit_pointer(edit)
        fresh = self.machine("m2").start()
        self.assertEqual(self.first_answer(fresh), "r1")
        self.assertIn("unheard-of", self.store.wait_for_result("m2", "r2", "failed")["error"])

    def test_what_can_not_be_fetched_gives_way_until_it_can(self):
        self.publish("r3")
        path = self.store.tarball_path("r3")
        whole = path.read_bytes()
        path.write_bytes(whole[:100])
        fresh = self.machine("m2").start()
        self.assertEqual(self.first_answer(fresh), "r1")
        path.write_bytes(whole)
        fresh.wait_for_version("r3", 60)

    def test_a_machine_that_started_without_the_store_gets_it_when_the_store_is_back(self):
        away = self.store.directory / "away"
        self.store.releases.rename(away)
        self.store.releases.write_text("no directory")
        fresh = self.machine("m2", options={"--boot-timeout": "1s"}).start()
        fresh.wait_for_version("base")
        self.store.releases.unlink()
        away.rename(self.store.releases)
        fresh.wait_for_version("r1", 60)

    # -- the store is gone

    def test_without_the_store_the_disk_decides(self):
        self.lose_store(self.m1)
        self.restart(self.m1, wipe=False)
        self.assertEqual(self.first_answer(self.m1), "r1")
        self.restart(self.m1, wipe=True)
        self.m1.wait_for_version("base", 20)


class OnTrial(FleetCase):
    def test_what_is_on_trial_is_not_told_as_running_for_good(self):
        """Else the agent would take it for the last good release."""
        machine = self.started(options={"--probation": "4s", "--keep-warm": "off"})
        agent = subprocess.Popen(self.agent.hot(self.release("r1"), "r1"), stdout=subprocess.DEVNULL,
                                 stderr=subprocess.DEVNULL, env=self.agent.environment())
        self.resources.callback(agent.wait, 40)
        self.resources.callback(agent.terminate)
        wait_until(lambda: "app.ended generation=1" in machine.log(), machine.tail)  # it is told what drains no more
        record = wait_until(lambda: self.record_of("r1"), machine.tail)
        self.assertEqual((record["state"], machine.status()["swap"]["state"]), ("swapping", "probation"))
        wait_until(lambda: self.record_of("r1")["state"] == "serving", machine.tail)

    def record_of(self, version):
        record = self.store.record("m1")
        return record if record and record["version"] == version else None


class NothingGoodBefore(FleetCase):
    def test_where_the_first_release_is_bad_machines_run_their_image(self):
        self.started()
        done = self.hot("r1", directory=self.broken_release("r1"))
        self.assertRegex(done.stdout, "machines that start run their base image: none tries r1 again")
        fresh = self.machine("m2").start()
        fresh.wait_for_version("base")
        self.assertIn("every machine that tried it failed", self.store.wait_for_result("m2", "r1", "failed")["error"])
        self.assertNotIn("last_good", self.store.pointer())
        self.assertIn("failed", self.agent.status()["m2"]["verdict"])


if __name__ == "__main__":
    unittest.main()
