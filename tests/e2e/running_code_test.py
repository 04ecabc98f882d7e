"""Whose code runs is seen, not inferred: commands that name the base image's files, and some that go back there."""

import shutil
import unittest

from case import FleetCase

PYTHON = "/usr/bin/python3"
RUNS_FILE = "import os, sys; os.execv(sys.executable, ['python3', sys.argv[1].split('=')[1]])"
RUNS_HERE = "import runpy, sys; sys.path.insert(0, ''); runpy.run_module('server', run_name='__main__')"
GOES_BACK = """#!/bin/sh
cd {base}
sh -c 'LISTEN_PID=$$ exec python3 -m server'
true
"""
WORKS_ELSEWHERE = """
import os, runpy, sys
sys.path.insert(0, os.environ["MIDAIR_RELEASE_DIR"])
os.chdir("/")
runpy.run_module("server", run_name="__main__")
"""


class RunningCode(FleetCase):
    def assert_upgrades(self, *names):
        self.publish("r1")
        for name in names or ("m1",):
            self.assertEqual(self.machines[name].version(), "r1")
            self.assertEqual(self.store.result(name, "r1")["observed_digest"],
                             self.store.pointer()["hot_upgrade"]["sha256"])

    def test_an_absolute_program_is_the_release_s(self):
        machine = self.started(command=(self.release("base") / "server.py",))
        self.assert_upgrades()
        self.assertEqual(machine.log().count("app.command_mapped"), 1, machine.tail())

    def test_an_absolute_script_is_the_release_s(self):
        self.started(command=(PYTHON, "-u", self.release("base") / "server.py"))
        self.assert_upgrades()

    def test_an_absolute_path_after_an_equals_sign_is_the_release_s(self):
        self.started(command=(PYTHON, "-c", RUNS_FILE, f"--file={self.release('base')}/server.py"))
        self.assert_upgrades()

    def test_the_base_directory_may_be_a_link(self):
        base, link = self.release("base"), self.root / "link"
        link.symlink_to(base)
        self.started("m1", base_dir=link, command=(base / "server.py",))
        self.started("m2", base_dir=link, command=(PYTHON, link / "server.py"))
        self.assert_upgrades("m1", "m2")

    def test_a_command_that_goes_back_to_the_base_image_fails_the_swap(self):
        base = self.release("base")
        machine = self.started(command=("sh", "-c", f"cd {base} && exec {PYTHON} server.py"))
        done = self.hot("r1")
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        sentence = rf"process \d+ runs {base}/server\.py of the base image; start it by a path relative to the release"
        self.assertRegex(done.stdout + done.stderr, sentence)
        result = self.store.wait_for_result("m1", "r1", "failed")  # it is tried once more
        self.assertEqual(result["step"], "staged")
        self.assertRegex(result["error"], sentence)
        self.assertEqual(machine.status()["version"], "")
        self.assertEqual(machine.version(), "base")

    def assert_refused(self, sentence):
        done = self.hot("r1")
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertRegex(done.stdout + done.stderr, sentence)
        self.assertEqual(self.machines["m1"].version(), "base")

    def test_a_script_that_the_release_lacks_fails_the_swap(self):
        base = self.release("base")
        (base / "server.py").rename(base / "main.py")
        self.started(command=(PYTHON, base / "main.py"))
        self.assert_refused(rf"process \d+ runs {base}/main\.py of the base image")

    def test_a_script_of_packages_runs_the_release_s_code(self):
        base = self.release("base")
        (base / "venv/bin").mkdir(parents=True)
        (base / "venv/pyvenv.cfg").touch()
        (base / "venv/bin/run").write_text(RUNS_HERE)
        self.started(command=(PYTHON, base / "venv/bin/run"))
        self.assert_upgrades()

    def assert_wrapper_is_no_proof(self, **settings):
        base = self.root / "release-base"
        for version in ("base", "r1"):
            self.release(version, wrapper=GOES_BACK.format(base=base))
        self.started(command=("./wrapper.py",), **settings)
        self.assert_refused(rf"process \d+ runs {base}\S* of the base image")

    def test_a_wrapper_that_goes_back_to_the_base_image_is_no_proof(self):
        self.assert_wrapper_is_no_proof(passed=False)

    def test_nor_is_one_that_has_the_socket_too(self):
        self.assert_wrapper_is_no_proof()

    def test_the_image_s_own_program_on_the_path_fails_the_swap(self):
        base = self.release("base")
        shutil.copy(PYTHON, base / "server")  # a program of its own, not a script
        self.started(command=("server", "-c", "import runpy; runpy.run_path('server.py', run_name='__main__')"),
                     env={"PATH": f"{base}:/usr/bin:/bin"})
        done = self.hot("r1")
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertRegex(done.stdout + done.stderr, rf"process \d+ runs {base}/server of the base image")

    def test_what_cannot_be_seen_is_not_claimed(self):
        machine = self.started(command=(PYTHON, "-c", WORKS_ELSEWHERE))
        self.publish("r1")
        self.assertEqual(machine.version(), "r1")
        self.assertIsNone(self.store.result("m1", "r1")["observed_digest"])
        self.assertIn("swap.code_unseen", machine.log())


if __name__ == "__main__":
    unittest.main()
