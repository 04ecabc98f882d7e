"""scripts/tidy.py asks clang-tidy again about what changed, and about nothing else. A stand-in says what it was asked."""

import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

SOURCE = pathlib.Path(os.environ["MIDAIR_SOURCE"])
CLANG_TIDY = """#!/bin/sh
[ "$1" = --version ] && { cat "$0.version"; exit; }
for last; do :; done
echo "${last##*/}" >> "$0.asked"
! grep -H BAD "$last"
"""


class Tidy(unittest.TestCase):
    def setUp(self):
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="midair-tidy-test-"))
        self.addCleanup(shutil.rmtree, self.root)
        self.asked = self.root / "bin/clang-tidy.asked"
        self.write("bin/clang-tidy", CLANG_TIDY).chmod(0o755)
        self.write("bin/clang-tidy.version", "14")
        self.tree = self.root / "tree"
        for name, text in {"one.cpp": '#include "one.h"\nint one() { return kOne; }\n', "two.cpp": "int two() { return 2; }\n",
                           "one.h": "const int kOne = 1;\n", ".clang-tidy": "Checks: bugprone-*\n"}.items():
            self.write(f"tree/{name}", text)
        self.write("tree/scripts/tidy.py", (SOURCE / "scripts/tidy.py").read_text())
        self.write_commands("")
        for command in (("init", "-q"), ("add", "-A")):
            subprocess.run(["git", *command], cwd=self.tree, check=True)
        self.expect_asked(["one.cpp", "two.cpp"])

    def write(self, name, text):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def write_commands(self, options):
        self.write("build/compile_commands.json", json.dumps(
            [{"directory": str(self.root / "build"), "file": str(self.tree / name),
              "command": f"c++ {options} -o {name}.o -c {self.tree / name}"} for name in ("one.cpp", "two.cpp")]))

    def expect_asked(self, names, status=0):
        self.asked.write_text("")
        done = subprocess.run(["/usr/bin/python3", "-B", self.tree / "scripts/tidy.py", self.root / "build"], check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              env={**os.environ, "PATH": f"{self.root / 'bin'}:{os.environ['PATH']}"})
        self.assertEqual(done.returncode, status, done.stdout)
        self.assertEqual(sorted(self.asked.read_text().split()), names, done.stdout)
        return done.stdout

    def test_nothing_changed(self):
        self.expect_asked([])
        (self.tree / "two.cpp").touch()
        self.expect_asked([])

    def test_code_in_a_file_or_in_a_header(self):
        self.write("tree/two.cpp", "int two() { return 1 + 1; }\n")
        self.expect_asked(["two.cpp"])
        self.write("tree/one.h", "const int kOne = 2 - 1;\n")
        self.expect_asked(["one.cpp"])
        self.write("tree/one.h", "const int kOne = 2 - 1;\n#define UNUSED 1\n")
        self.expect_asked(["one.cpp"])

    def test_comments_count_only_if_they_speak_to_clang_tidy(self):
        self.write("tree/two.cpp", "// Two.\nint two() { return 2; }\n")
        self.expect_asked([])
        self.write("tree/two.cpp", "// NOLINTNEXTLINE: two\nint two() { return 2; }\n")
        self.expect_asked(["two.cpp"])

    def test_configuration_commands_and_version(self):
        self.write("tree/.clang-tidy", "Checks: performance-*\n")
        self.expect_asked(["one.cpp", "two.cpp"])
        self.write_commands("-DX")
        self.expect_asked(["one.cpp", "two.cpp"])
        self.write("bin/clang-tidy.version", "15")
        self.expect_asked(["one.cpp", "two.cpp"])

    def test_what_is_not_clean_is_said_each_time(self):
        self.write("tree/two.cpp", "int two() { return 2; }  // BAD\n")
        for _ in range(2):
            self.assertIn("BAD", self.expect_asked(["two.cpp"], status=1))
        self.write("tree/two.cpp", "int two() { return 2; }\n")
        self.expect_asked(["two.cpp"])


if __name__ == "__main__":
    unittest.main()
