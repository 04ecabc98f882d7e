"""What a store may hand a machine: damaged tarballs and nonsense for a pointer. The app never notices."""

import hashlib
import json
import os
import subprocess
import unittest

from case import FleetCase
from fleet import wait_until


class BadStore(FleetCase):
    def setUp(self):
        super().setUp()
        self.m1 = self.started()
        self.publish("good")
        self.serving = sorted(self.m1.processes())

    def assert_untouched(self):
        self.assertEqual(self.m1.version(), "good")
        self.assertEqual(sorted(self.m1.processes()), self.serving, self.m1.tail())

    def test_a_damaged_tarball_is_refused_and_a_good_one_heals_it(self):
        published = os.urandom(50_000)
        flipped = bytearray(published)
        flipped[len(published) // 2] ^= 1
        cases = {"flipped": bytes(flipped), "truncated": published[:-100], "longer": published + b"\0", "empty": b"",
                 "html": b"<html>maintenance</html>", "intact-but-no-tarball": published}
        for version, stored in cases.items():
            with self.subTest(version):
                path = self.store.tarball_path(version)
                path.write_bytes(stored)
                published_as = {"version": version, "size": len(published),
                                "sha256": hashlib.sha256(published).hexdigest(), "tarball_url": f"file://{path}"}
                self.store.write_pointer(json.dumps(self.store.edited_pointer(**published_as)))
                result = self.store.wait_for_error("m1", version, 30)
                self.assertTrue(result["error"])
                self.assert_untouched()
        self.publish("better")

    def test_nonsense_for_a_pointer_changes_nothing(self):
        whole = json.dumps(self.store.pointer())
        cases = {
            "html": "<html><body>Sign in to the network</body></html>",
            "truncated": whole[: len(whole) // 2],
            "empty": "",
            "a list": "[]",
            "wrong types": json.dumps(self.store.edited_pointer(sequence="many")),
            "another bucket": json.dumps(self.store.edited_pointer(tarball_url="https://evil.example/counter-x.tar.gz")),
            "another directory": json.dumps(self.store.edited_pointer(tarball_url="file:///etc/passwd")),
            "a lower sequence": json.dumps(self.store.edited_pointer(sequence=0, version="lower")),
            "a path for a version": json.dumps(self.store.edited_pointer(version="../../etc")),
            "endless": whole + " " * 100_000,
        }
        for name, text in cases.items():
            with self.subTest(name):
                self.store.write_pointer(text)
                self.m1.wait_for_polls()
                self.assert_untouched()
        self.store.write_pointer(whole)
        self.m1.wait_for_polls()
        self.publish("better")

    def test_no_pointer_at_all_means_no_update(self):
        whole = self.store.pointer_path.read_text()
        self.store.pointer_path.unlink()
        self.m1.wait_for_polls()
        self.assert_untouched()
        self.store.write_pointer(whole)
        self.m1.wait_for_polls()
        self.assert_untouched()


class FullDisk(FleetCase):
    def test_a_release_that_does_not_fit_fails_and_a_smaller_one_works(self):
        disk = self.root / "disk"
        disk.mkdir()
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=100m", "tmpfs", disk], check=False, capture_output=True)
        if mounted.returncode != 0:
            self.skipTest(f"cannot mount a small file system here: {mounted.stderr.decode().strip()}")
        self.resources.callback(subprocess.run, ["umount", "-l", disk], check=False)

        machine = self.machine()
        machine.state_dir = disk / "state"
        machine.start().wait_for_version("base")
        wait_until(lambda: self.store.record("m1"), machine.tail)
        big = self.release("big")
        with open(big / "ballast.bin", "wb") as ballast, open("/dev/urandom", "rb") as noise:
            ballast.write(noise.read(40 << 20))
        done = self.agent.run_hot(big, "big", "--timeout", "10s")
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertIn("disk", self.store.wait_for_error("m1", "big")["error"])
        self.assertEqual(machine.version(), "base")
        self.publish("small")
        self.assertEqual(machine.version(), "small")


if __name__ == "__main__":
    unittest.main()
