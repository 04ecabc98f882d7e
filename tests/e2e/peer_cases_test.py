"""What FlyDeploy 0.4.2 does wrong when something breaks, case by case, and that we don't. Cases that other suites prove
are in the table of tests/README.md. Those of code that is replaced in processes that stay are in
peer_in_place_test.py.
"""

import hashlib
import json
import shutil
import subprocess
import unittest

from case import DIES_AT_ONCE, FleetCase
from fleet import wait_until


class PeerCases(FleetCase):
    def setUp(self):
        super().setUp()
        self.temporary = self.root / "tmp"
        self.temporary.mkdir()
        self.m1 = self.started(env={"TMPDIR": str(self.temporary)})

    def offer(self, version, damage, promised=False):
        """Publishes `version`, but lets the machine find damage(bytes) of its tarball, with the length and digest of
        those if `promised`; None for none at all. Returns the tarball's path and its right bytes."""
        done = self.hot(version, "--force", "--image", "counter:deployment-01OTHER")
        self.assertEqual(done.returncode, 0, done.stderr)
        path = self.store.tarball_path(version)
        whole = path.read_bytes()
        damaged = damage(whole)
        if damaged is None:
            path.unlink()
        else:
            path.write_bytes(damaged)
        honest = {"size": len(damaged), "sha256": hashlib.sha256(damaged).hexdigest()} if promised else {}
        self.store.write_pointer(json.dumps(self.store.edited_pointer(image=self.m1.image, **honest)))
        return path, whole

    def assert_nothing_left(self):
        """No file of a failed try, neither in the state directory nor in the temporary one."""
        self.assertEqual(list((self.m1.state_dir / "incoming").iterdir()), [])
        self.assertEqual(list(self.temporary.iterdir()), [])
        self.assertEqual([d.name for d in (self.m1.state_dir / "releases").iterdir() if "tmp" in d.name], [])

    def kill_once_committed(self, version):
        agent = self.resources.enter_context(subprocess.Popen(
            self.agent.hot(self.release(version), version), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            env=self.agent.environment()))
        self.resources.callback(agent.terminate)
        wait_until(lambda: (self.m1.file("marker.json") or {}).get("version") == version, self.m1.tail)
        self.m1.kill()

    def test_a_tarball_that_stays_truncated_fills_no_disk_and_is_not_fetched_at_every_poll(self):
        """The peer fetches it all again every second for ever, and leaves each try's files: 81 MB in 15 s."""
        path, whole = self.offer("v2", lambda tarball: tarball[: len(tarball) // 2])
        self.store.wait_for_error("m1", "v2")
        self.m1.wait_for_polls(20)
        self.assertLess(self.m1.log().count("swap.fetching version=v2"), 7)
        self.assert_nothing_left()
        path.write_bytes(whole)
        self.m1.wait_for_version("v2", 60)
        self.store.wait_for_result("m1", "v2", "completed")
        self.assert_nothing_left()

    def test_a_tarball_without_its_last_eight_bytes_is_refused(self):
        """The peer installs it: gzip's own check lies in them. Here not even a pointer that promises it helps."""
        for promised in False, True:
            with self.subTest(promised=promised):
                self.offer(f"v2-{promised}", lambda tarball: tarball[:-8], promised)
                self.assertTrue(self.store.wait_for_error("m1", f"v2-{promised}")["error"])
                self.assertEqual(self.m1.version(), "base")
                self.assert_nothing_left()

    def test_a_flipped_bit_is_refused_wherever_it_is(self):
        """The peer notices by gzip's CRC alone, and leaves 13 MB for each try."""
        for name, at, promised in [("middle", 0.5, False), ("crc", -8, False), ("crc-promised", -8, True),
                                   ("length-promised", -1, True)]:
            def flip(tarball, at=at):
                damaged = bytearray(tarball)
                damaged[int(len(tarball) * at) if 0 < at < 1 else at] ^= 1
                return bytes(damaged)
            with self.subTest(name):
                self.offer(name, flip, promised)
                self.assertTrue(self.store.wait_for_error("m1", name)["error"])
                self.assertEqual(self.m1.version(), "base")
                self.assert_nothing_left()

    def test_a_tarball_that_is_not_there_is_named_and_taken_once_it_comes(self):
        """The peer doesn't look at the HTTP status, fails over the empty file, and asks every second for ever."""
        path, whole = self.offer("v2", lambda tarball: None)
        self.assertIn("releases/counter-v2.tar.gz", self.store.wait_for_error("m1", "v2")["error"])
        path.write_bytes(whole)
        self.m1.wait_for_version("v2", 60)
        self.assert_nothing_left()

    def test_code_that_can_not_be_loaded_is_gone_at_the_next_start(self):
        """The peer marks it as installed before it loads it, never tries again, and leaves the broken file where the
        next start of the VM dies of it."""
        self.publish("v2")
        done = self.hot("broken", directory=self.release("broken", server=DIES_AT_ONCE))
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertEqual(self.m1.version(), "v2")
        self.m1.kill()
        self.m1.start().wait_for_version("v2")
        self.publish("v3")
        self.assertEqual(self.m1.version(), "v3")

    def test_a_new_version_of_the_same_files_is_no_silent_no_op(self):
        """The peer reports success, reloads nothing, and says it runs the new version."""
        directory = self.release("same")
        for version in "0.1.0", "0.2.0":
            self.publish(version, directory=directory)
            digest = self.store.pointer()["hot_upgrade"]["sha256"]
            self.assertEqual(self.m1.get()["digest"], digest, "the code itself says what it is")
            self.assertEqual(self.store.result("m1", version)["observed_digest"], digest)
            self.assertEqual((self.m1.status()["version"], self.m1.status()["digest"]), (version, digest))

    def test_a_kill_right_after_the_commit_leaves_no_result_pending(self):
        """The peer applies the release at the restart, but its result stays pending for ever, and 13 MB in /tmp."""
        self.kill_once_committed("v2")
        self.m1.start().wait_for_version("v2")
        self.assertTrue(self.store.wait_for_result("m1", "v2", "completed")["success"])
        self.assert_nothing_left()

    def test_a_kill_right_after_the_commit_with_the_store_away_tells_what_really_runs(self):
        """The peer starts v1, reports the fingerprint of v2, and never upgrades when the store is back."""
        base = self.m1.status()["fingerprint"]
        self.kill_once_committed("v2")
        away = self.store.directory / "away"
        self.store.releases.rename(away)
        self.store.releases.write_text("no directory")
        shutil.rmtree(self.m1.state_dir)  # as Fly does with a root disk
        self.m1.start().wait_for_version("base")
        status = self.m1.status()
        self.assertEqual((status["version"], status["hot_ref"], status["fingerprint"]), ("", "", base))
        self.store.releases.unlink()
        away.rename(self.store.releases)
        self.m1.wait_for_version("v2", 60)
        self.store.wait_for_result("m1", "v2", "completed")
        self.assertNotEqual(self.m1.status()["fingerprint"], base)

    def test_a_torn_marker_costs_nothing_but_a_fetch(self):
        """The peer copies its marker into place; one kill left an empty one. Ours is replaced by rename, but a disk may
        tear what it likes."""
        self.publish("v2")
        marker = self.m1.state_dir / "marker.json"
        whole = marker.read_bytes()
        for torn in b"", whole[: len(whole) // 2]:
            with self.subTest(torn=torn):
                self.m1.kill()
                marker.write_bytes(torn)
                self.m1.start().wait_for_version("v2")
                self.assertEqual(self.m1.status()["version"], "v2")


if __name__ == "__main__":
    unittest.main()
