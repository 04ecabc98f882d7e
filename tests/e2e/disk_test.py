"""A disk that can't be written: the app runs, nothing is installed, and everybody is told."""

import subprocess
import unittest

from case import FleetCase
from fleet import wait_until

READ_ONLY = ["unshare", "-m", "sh", "-c", 'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && exec "$@"']


def may_mount():
    return subprocess.run([*READ_ONLY, "/tmp", "true"], check=False, capture_output=True).returncode == 0


class Disk(FleetCase):
    def assert_told(self, machine, why):
        """Status, record and log say why nothing can be installed, and the agent hears it at once."""
        self.assertIn(why, machine.status()["problem"])
        self.assertIn(why, wait_until(lambda: (self.store.record(machine.name) or {}).get("problem"), machine.tail))
        self.assertIn("state.unwritable", machine.log())
        before = machine.version()
        done = self.agent.run_hot(self.release("next"), "next", "--timeout", "20s")
        self.assertNotEqual(done.returncode, 0, done.stdout)
        self.assertIn(why, done.stdout + done.stderr)
        self.assertIn(why, self.store.wait_for_result(machine.name, "next", "failed")["error"])
        self.assertEqual(machine.version(), before)

    def test_a_state_directory_that_cannot_be_made_keeps_no_app_from_running(self):
        (self.root / "file").write_text("in the way")
        machine = self.machine()
        machine.state_dir = self.root / "file" / "state"
        machine.start()
        machine.wait_for_version("base")
        self.assert_told(machine, "Not a directory")
        self.assertEqual(machine.stop(), 0)

    @unittest.skipUnless(may_mount(), "nothing may be mounted here")
    def test_on_a_read_only_disk_the_committed_release_runs(self):
        machine = self.started()
        self.publish("good")
        self.assertEqual(machine.stop(), 0)
        machine.wrapper = [*READ_ONLY, str(machine.state_dir)]
        machine.start()
        machine.wait_for_version("good")
        self.assert_told(machine, "Read-only file system")
        self.assertEqual(machine.stop(), 0)
        machine.wrapper = []
        machine.start()
        machine.wait_for_version("next", timeout=30)

    def test_completed_is_told_once_the_marker_is_on_disk(self):
        machine = self.started(options={"--probation": "1s"})
        (machine.state_dir / "marker.json").mkdir()
        done = self.agent.run_hot(self.release("new"), "new", "--timeout", "4s")
        self.assertNotEqual(done.returncode, 0, "it is not done yet")
        swap = machine.status()["swap"]
        self.assertEqual(swap["state"], "committed")
        self.assertIn("marker.json", swap["problem"])
        result = self.store.wait_for_result("m1", "new", "pending")
        self.assertIn("marker.json", result["error"])
        (machine.state_dir / "marker.json").rmdir()
        self.store.wait_for_result("m1", "new", "completed", timeout=40)
        self.assertEqual(machine.file("marker.json")["version"], "new")
        self.assertNotIn("problem", self.store.record("m1"))

    def test_a_file_that_was_added_to_a_release_is_named_and_no_reason_to_refuse_it(self):
        machine = self.started()
        self.publish("good")
        release = (machine.state_dir / "current").resolve()
        release.chmod(0o755)
        (release / "cache\033[2J.bin").write_text("left by an interpreter")
        self.assertEqual(machine.status()["added_files"], ["cache\\x1b[2J.bin"])
        self.assertEqual(machine.stop(), 0)
        machine.start()
        machine.wait_for_version("good")
        self.assertIn("release.added_files", machine.log())
        self.assertEqual(machine.status()["added_files"], ["cache\\x1b[2J.bin"])


if __name__ == "__main__":
    unittest.main()
