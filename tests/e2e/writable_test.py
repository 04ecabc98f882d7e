"""Directories that an app writes to: kept across releases, or empty for each new process, and no part of the release."""

import json
import subprocess
import unittest

from case import FleetCase
from fleet import build_dir

# As Rails does: it doesn't start where another's pid lies.
WRITES = """
import pathlib
pathlib.Path("tmp/pids/server.pid").open("x").close()
with open("tmp/seen", "a") as seen:
    seen.write(VERSION + "\\n")
"""
EVERYWHERE = {"--writable": "tmp,log", "--writable-fresh": "tmp/pids"}


class Writable(FleetCase):
    def writing_release(self, version, manifest=None):
        directory = self.release(version)
        with (directory / "release.py").open("a") as code:
            code.write(WRITES)
        if manifest:
            (directory / "midair.json").write_text(json.dumps(manifest))
        return directory

    def seen(self, machine):
        return (machine.state_dir / "current/tmp/seen").read_text().split()

    def assert_nothing_was_added(self, machine):
        self.assertNotIn("added_files", machine.status())
        self.assertNotIn("stage.tampered", machine.log())
        self.assertNotIn("boot.release_unusable", machine.log())

    def test_what_is_written_stays_and_what_is_fresh_is_empty(self):
        machine = self.started(options=EVERYWHERE)
        for version in ("r1", "r2"):
            directory = self.writing_release(version)
            (directory / "log").mkdir()
            (directory / "log/.keep").touch()
            self.publish(version, directory=directory)
        self.assertEqual(self.seen(machine), ["r1", "r2"])
        self.assertEqual(machine.stop(), 0)
        machine.start()
        machine.wait_for_version("r2")
        self.assertEqual(self.seen(machine), ["r1", "r2", "r2"])
        self.assert_nothing_was_added(machine)

    def test_a_directory_of_the_image_is_the_one_that_is_kept(self):
        base = self.release("base")
        (base / "tmp").mkdir()
        (base / "tmp/seen").write_text("image\n")
        machine = self.started(options=EVERYWHERE)
        self.publish("r1", directory=self.writing_release("r1"))
        self.assertEqual((base / "tmp/seen").read_text().split(), ["image", "r1"])
        self.assert_nothing_was_added(machine)

    def test_the_manifest_names_them(self):
        machine = self.started()
        manifest = {"writable": ["tmp"], "writable_fresh": ["tmp/pids"]}
        for version in ("r1", "r2"):
            self.publish(version, directory=self.writing_release(version, manifest))
        self.assertEqual(self.seen(machine), ["r1", "r2"])
        machine.kill()
        machine.start()
        machine.wait_for_version("r2")
        self.assert_nothing_was_added(machine)

    def test_what_leaves_the_release_is_refused(self):
        self.started()
        done = self.hot("r1", directory=self.writing_release("r1", {"writable": ["log", "../x"]}))
        self.assertEqual(done.returncode, 65, done.stdout + done.stderr)
        self.assertIn("cannot make a writable place of '../x': it has a '..' component", done.stderr)
        self.assertFalse(self.store.pointer_path.exists())
        for option in ("--writable", "--writable-fresh"):
            ended = subprocess.run([build_dir() / "bin/midair-sidecar", "run", "--app", "a", "--store", self.address,
                                    "--state-dir", self.root / "s", option, "tmp,/etc", "--", "true"],
                                   capture_output=True, text=True, check=False, timeout=20)
            self.assertEqual(ended.returncode, 78, ended.stderr)
            self.assertIn("'/etc': it is absolute", ended.stderr)

    def test_a_file_in_its_place_is_refused(self):
        machine = self.started(options={"--writable": "server.py"})
        done = self.hot("r1")
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertIn("something else than a directory", done.stdout)
        self.assertEqual(machine.version(), "base")


if __name__ == "__main__":
    unittest.main()
