"""The demo keeps what it promises, and leaves nothing behind when it is interrupted."""

import os
import pathlib
import signal
import subprocess
import sys
import unittest

from fleet import ROOT, build_dir, scratch


def run_demo(root):
    return subprocess.Popen([ROOT / "scripts/demo.sh", build_dir()], env={**os.environ, "TMPDIR": str(root)}, text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True)


def started_below(root):
    """Processes whose working directory or environment points below `root`."""
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and str(root).encode() in (entry / "environ").read_bytes():
                found.append(entry.name)
        except OSError:
            pass
    return found


class Demo(unittest.TestCase):
    def test_it_ends_with_status_0_and_leaves_nothing(self):
        with scratch("demo-test") as root:
            with run_demo(root) as demo:
                output, _ = demo.communicate(timeout=120)
            self.assertEqual(demo.returncode, 0, output)
            self.assertRegex(output, r"requests failed +0  ok")
            self.assertRegex(output, r"says  /: \d+ visits, longest gap between two \d+ ms")
            self.assertRegex(output, r"visitors were held for +\d+ us\n.*the process stayed +yes  ok\n.*remembers +\S+  ok")
            self.assertEqual(started_below(root), [])
            sys.stdout.write(output[output.index("What the clients saw"):])

    def test_sigterm_in_the_middle_leaves_nothing(self):
        with scratch("demo-test") as root:
            with run_demo(root) as demo:
                for line in demo.stdout:
                    if "Upgrade to v2" in line:
                        break
                demo.send_signal(signal.SIGTERM)
                demo.communicate(timeout=60)
            self.assertEqual(demo.returncode, 128 + signal.SIGTERM)
            self.assertEqual(started_below(root), [])
            self.assertEqual(list(root.glob("midair-demo-*")), [])


if __name__ == "__main__":
    unittest.main()
