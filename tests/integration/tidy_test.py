"""scripts/tidy.py asks clang-tidy again about what changed, and about nothing else. A stand-in says what it was asked."""

import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import time
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
        self.cache = self.root / "cache/midair/tidy"
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

    def write_commands(self, options, tree=None):
        tree = tree or self.tree
        build = tree / "build"
        self.write(build / "compile_commands.json", json.dumps(
            [{"directory": str(build), "file": str(tree / name),
              "command": f"c++ {options} -DHERE='\"{tree}\"' -I{build}/include -o {name}.o -c {tree / name}"}
             for name in ("one.cpp", "two.cpp")]))

    def start(self, tree):
        return subprocess.Popen(["/usr/bin/python3", "-B", tree / "scripts/tidy.py", tree / "build"], text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                env={**os.environ, "PATH": f"{self.root / 'bin'}:{os.environ['PATH']}",
                                     "XDG_CACHE_HOME": str(self.root / "cache")})

    def expect_asked(self, names, status=0, tree=None):
        self.asked.write_text("")
        run = self.start(tree or self.tree)
        said = run.communicate()[0]
        self.assertEqual(run.returncode, status, said)
        self.assertEqual(sorted(self.asked.read_text().split()), names, said)
        return said

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

    def test_what_was_clean_once(self):
        self.write("tree/two.cpp", "int two() { return 1 + 1; }\n")
        self.expect_asked(["two.cpp"])
        self.write("tree/two.cpp", "int two() { return 2; }\n")
        self.expect_asked([])

    def test_another_checkout(self):
        other = self.root / "somewhere/else"
        shutil.copytree(self.tree, other)
        shutil.rmtree(other / "build/lint")
        self.write_commands("", other)
        self.expect_asked([], tree=other)
        self.write("somewhere/else/two.cpp", "int two() { return 1 + 1; }\n")
        self.expect_asked(["two.cpp"], tree=other)
        self.expect_asked([])

    def test_what_nobody_used_for_a_month_is_forgotten(self):
        self.write("tree/two.cpp", "int two() { return 1 + 1; }\n")
        for path in self.cache.iterdir():
            os.utime(path, times=(time.time() - 31 * 24 * 3600,) * 2)
        self.expect_asked(["two.cpp"])
        self.write("tree/two.cpp", "int two() { return 2; }\n")
        self.expect_asked(["two.cpp"])
        self.write("tree/one.cpp", "int one();\n")
        self.expect_asked(["one.cpp"])
        self.write("tree/one.cpp", '#include "one.h"\nint one() { return kOne; }\n')
        self.expect_asked([])

    def test_two_runs_at_once(self):
        shutil.rmtree(self.cache)
        runs = [self.start(self.tree) for _ in range(4)]
        for run in runs:
            said = run.communicate()[0]
            self.assertEqual(run.returncode, 0, said)
        self.expect_asked([])

    def test_a_memory_that_makes_no_sense(self):
        for path in self.cache.glob("*.json"):
            path.write_text("{")
        self.expect_asked([])


if __name__ == "__main__":
    unittest.main()
