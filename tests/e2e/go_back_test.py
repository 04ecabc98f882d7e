"""`midair rollback`: back to a release that the store still has, in one command."""

import json
import subprocess
import unittest

from case import FleetCase


class GoingBack(FleetCase):
    def setUp(self):
        super().setUp()
        self.m1 = self.started()
        self.publish("r1")

    def rollback(self, *options):
        return subprocess.run(self.agent.command("rollback", "--timeout", "60s", *options), capture_output=True,
                              text=True, check=False, timeout=90, env=self.agent.environment(), cwd=self.root)

    def goes_back(self, *options):
        done = self.rollback(*options)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr + self.m1.tail())
        return done.stdout

    def refuses(self, status, sentence, *options):
        before = self.store.pointer()
        done = self.rollback(*options)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        self.assertIn(sentence, done.stderr)
        self.assertEqual(self.store.pointer(), before)

    def test_the_release_before_comes_back_without_being_fetched(self):
        self.publish("r2")
        tarball = self.store.tarball_path("r1")
        tarball.write_bytes(bytes(tarball.stat().st_size))  # who fetches it refuses it
        load = self.load(self.m1)
        load.wait_for_requests(100)
        told = self.goes_back()
        load.wait_for_requests(load.latest()["requests"] + 100)
        self.assertEqual(load.finish()["failures"], 0)
        self.assertIn("goes back", told)
        self.assertIn("1 of 1 machine upgraded to r1", told)
        self.assertEqual(self.m1.version(), "r1")
        pointer = self.store.pointer()["hot_upgrade"]
        self.assertEqual((pointer["version"], pointer["sequence"]), ("r1", 3))

    def test_twice_is_there_and_back(self):
        self.publish("r2")
        self.goes_back()
        self.goes_back()
        self.assertEqual(self.m1.version(), "r2")

    def test_it_goes_past_a_bad_release_to_the_last_good_one(self):
        self.assertEqual(self.hot("bad", directory=self.broken_release("bad")).returncode, 1)
        self.publish("r2")
        self.goes_back()
        self.assertEqual(self.m1.version(), "r1")

    def test_any_recent_version_can_be_named(self):
        self.publish("r2")
        self.publish("r3")
        plan = [json.loads(line) for line in self.goes_back("--to", "r1", "--dry-run", "--json").splitlines()]
        self.assertEqual([event["event"] for event in plan], ["chosen", "fleet", "plan"])
        self.assertEqual((plan[0]["version"], plan[0]["sequence"], plan[2]["upload"]), ("r1", 1, False))
        self.assertEqual(self.store.pointer()["hot_upgrade"]["version"], "r3")
        self.goes_back("--to", "r1")
        self.assertEqual(self.m1.version(), "r1")

    def test_what_cannot_be_is_refused_and_changes_nothing(self):
        self.refuses(66, "r1 is all that was published lately")
        self.publish("r2")
        self.refuses(66, "choose one of r2, r1", "--to", "r7")
        self.refuses(64, "version", "--to", "no such/name")
        self.m1.stop()
        other = self.machine("m2", image="registry.fly.io/counter:deployment-02NEXT").start()
        other.wait_for_version("base")
        self.refuses(65, "it was made for base image", "--to", "r1", "--image", other.image)

    def test_a_tarball_that_is_gone_is_said_to_be(self):
        self.publish("r2")
        self.store.tarball_path("r1").unlink()
        self.refuses(66, "is gone from the store")

    def test_nothing_was_published(self):
        self.address = f"file://{self.root / 'elsewhere'}"
        (self.root / "elsewhere").mkdir()
        done = self.rollback()
        self.assertEqual(done.returncode, 66, done.stderr)
        self.assertIn("nothing was published yet", done.stderr)


if __name__ == "__main__":
    unittest.main()
