"""A disk that can't be written, or a directory on it that is gone: the app runs, and everybody is told what can't be
done."""

import os
import random
import signal
import subprocess
import unittest

from case import FleetCase
from fleet import wait_until

READ_ONLY = ["unshare", "-m", "sh", "-c", 'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && exec "$@"']

GONE = ["sh", "-c", 'mkdir "$0" && cd "$0" && rmdir "$0" && exec "$@"']
# The log goes through a pipe, as a platform takes it: the limit is for files only.
LIMITED = ["bash", "-c", 'exec > >(exec cat) 2>&1; ulimit -f "$0"; exec "$@"']

# Says which version it is and how large its files may become. Writes nothing itself.
LIMITED_SERVER = """#!/usr/bin/python3
import http.server, json, resource, socket
import release
from handover import notify

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        limit = resource.getrlimit(resource.RLIMIT_FSIZE)[0]
        self.wfile.write(json.dumps({"version": release.VERSION, "limit": limit}).encode())

server = http.server.ThreadingHTTPServer(("", 0), Handler, bind_and_activate=False)
server.socket = socket.socket(fileno=3)
notify("READY=1")
server.serve_forever()
"""


def may_mount():
    return subprocess.run([*READ_ONLY, "/tmp", "true"], check=False, capture_output=True).returncode == 0


class Disk(FleetCase):
    def assert_told(self, machine, why):
        """Status, record and log say why nothing can be installed, and the agent hears it at once."""
        self.assertIn(why, machine.status()["problem"])
        self.assertIn(why, wait_until(lambda: (self.store.record(machine.name) or {}).get("problem"), machine.tail))
        self.assertIn("state.unwritable", machine.log())
        before = machine.version()
        done = self.agent.run_hot(self.release("next"), "next", "--timeout", "5s")
        self.assertNotEqual(done.returncode, 0, done.stdout)
        self.assertIn(why, done.stdout + done.stderr)
        self.assertIn(why, self.store.wait_for_error(machine.name, "next")["error"])
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

    def limited(self, blocks):
        """A machine whose files may have that many KiB."""
        machine = self.machine(base_dir=self.release("base", server=LIMITED_SERVER), wrapper=[*LIMITED, str(blocks)])
        machine.start().wait_for_version("base")
        self.assertEqual(machine.get()["limit"], blocks * 1024)
        return machine

    def test_where_no_file_may_have_a_byte_the_app_runs(self):
        machine = self.limited(0)  # its store is on this disk too, so status and log are all it can tell
        self.assertIn("File too large", machine.status()["problem"])
        self.assertRegex(machine.log(), r"state\.unwritable .*raise the limit on the size of files \(ulimit -f\)")
        done = self.agent.run_hot(self.release("new"), "new", "--image", machine.image, "--force")
        self.assertEqual(done.returncode, 0, done.stderr)
        wait_until(lambda: "version=new" in machine.log(), machine.tail)
        self.assertIn("File too large", machine.status()["problem"])
        self.assertEqual(machine.version(), "base")
        self.assertEqual(machine.stop(), 128 + signal.SIGTERM, machine.tail())

    def test_a_release_that_is_larger_than_files_may_be_is_not_installed(self):
        machine = self.limited(8)
        self.assertNotIn("problem", machine.status())
        directory = self.release("large", server=LIMITED_SERVER)
        (directory / "noise").write_bytes(random.Random(1).randbytes(64 * 1024))
        done = self.agent.run_hot(directory, "large", "--timeout", "5s")
        self.assertNotEqual(done.returncode, 0, done.stdout)
        for text in (done.stdout + done.stderr, self.store.wait_for_error("m1", "large")["error"],
                     machine.log()):
            self.assertIn("File too large", text)
        self.assertEqual(machine.version(), "base")
        self.publish("small", directory=self.release("small", server=LIMITED_SERVER))
        machine.wait_for_version("small")
        self.assertEqual(machine.file("marker.json")["version"], "small")
        self.assertEqual(machine.stop(), 128 + signal.SIGTERM, machine.tail())

    def test_a_working_directory_that_is_gone_is_not_missed(self):
        machine = self.started(wrapper=[*GONE, str(self.root / "gone")])
        self.publish("good")
        self.assertNotIn("problem", machine.status())
        self.assertEqual(machine.stop(), 0)
        machine.start().wait_for_version("good")
        self.assertEqual(machine.stop(), 0)

    def test_a_path_that_counts_from_a_working_directory_that_is_gone_is_a_mistake(self):
        machine = self.machine(wrapper=[*GONE, str(self.root / "gone")])
        machine.state_dir = "state"
        machine.start()
        self.assertEqual(machine.process.wait(10), os.EX_CONFIG)
        self.assertIn("cannot use the working directory: No such file or directory", machine.log())
        self.assertIn("name absolute paths, or cd", machine.log())

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
