"""The Debian packages: what they say of themselves, and that what they hold runs."""

import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

BUILD = pathlib.Path(os.environ["MIDAIR_BUILD"])
HAS_SIDECAR = (BUILD / "bin/midair-sidecar").exists()


def run(*command, **options):
    done = subprocess.run([str(word) for word in command], text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          timeout=250, **options)
    if done.returncode != 0:
        raise AssertionError(f"{command} ended with {done.returncode}:\n{done.stdout}")
    return done.stdout


class Package(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.work = pathlib.Path(tempfile.mkdtemp(prefix="midair-package-test-"))
        cls.addClassCleanup(shutil.rmtree, cls.work)
        run("cpack", "-G", "DEB", "--config", BUILD / "CPackConfig.cmake", "-B", cls.work, cwd=BUILD)
        cls.debs = {path.name.split("_")[0]: path for path in cls.work.glob("*.deb")}

    def fields(self, package):
        return {name: run("dpkg-deb", "--field", self.debs[package], name).strip()
                for name in ("Package", "Version", "Architecture", "Depends", "Maintainer", "Section", "Description")}

    def unpacked(self, package):
        root = self.work / f"{package}-root"
        run("dpkg", "-x", self.debs[package], root)
        return root

    def expect_complete_dependencies(self, package, root):
        """Every library that a file of the package asks for is in the package, or its package is in Depends."""
        depends = self.fields(package)["Depends"]
        own = {path.name for path in root.rglob("*.so*")}
        elves = [path for path in root.rglob("*") if path.is_file() and path.read_bytes()[:4] == b"\x7fELF"]
        self.assertTrue(elves)
        self.assertIn("ca-certificates", depends)
        for elf in elves:
            for library in set(re.findall(r"NEEDED\s+(\S+)", run("objdump", "-p", elf))) - own:
                owners = {line.split(":")[0] for line in run("dpkg", "-S", f"*/{library}").splitlines()}
                named = "|".join(map(re.escape, owners))
                self.assertRegex(depends, rf"(^|, )({named})\b", f"{elf.name} needs {library}")

    def test_there_is_a_package_for_each_part(self):
        expected = {"midair", "libmidair-dev", "libmidair-app-dev"} | ({"midair-sidecar"} if HAS_SIDECAR else set())
        self.assertEqual(expected, set(self.debs))
        architecture = run("dpkg", "--print-architecture").strip()
        for package in expected:
            fields = self.fields(package)
            with self.subTest(package):
                self.assertEqual(package, fields["Package"])
                self.assertEqual(architecture, fields["Architecture"])
                self.assertRegex(fields["Version"], r"^\d+\.\d+\.\d+$")
                self.assertIn("Fly.io" if package != "libmidair-dev" else "plugins", fields["Description"])
                self.assertGreater(len(fields["Description"].splitlines()), 1)

    def test_the_agent_depends_on_the_libraries_it_needs_and_runs(self):
        root = self.unpacked("midair")
        self.expect_complete_dependencies("midair", root)
        self.assertRegex(run(root / "usr/bin/midair", "--version"), r"^midair \d")
        listed = run(root / "usr/bin/midair", "plugins", env={"PATH": os.environ["PATH"]})
        for plugin in (BUILD / "lib/midair/plugins").glob("*.so"):
            self.assertIn(f"{root}/usr/lib/midair/plugins/{plugin.name}", listed)
        self.assertFalse((root / "usr/include").exists())
        self.assertFalse((root / "usr/bin/midair-sidecar").exists())

    @unittest.skipUnless(HAS_SIDECAR, "the sidecar isn't built")
    def test_the_sidecar_is_one_program_that_runs_without_the_agents_library(self):
        root = self.unpacked("midair-sidecar")
        programs = [path for path in root.rglob("*") if path.is_file() and "share/doc" not in str(path)]
        self.assertEqual([root / "usr/bin/midair-sidecar"], programs)
        self.expect_complete_dependencies("midair-sidecar", root)
        self.assertNotIn("midair-core", run("ldd", programs[0]))
        self.assertNotIn("midair", self.fields("midair-sidecar")["Depends"])
        run(programs[0], "--version")

    def test_files_belong_to_root_and_only_root_may_write_them(self):
        for package, deb in self.debs.items():
            for line in run("dpkg-deb", "--contents", deb).splitlines():
                with self.subTest(package, line=line):
                    self.assertRegex(line, r"^([-d]...(r-x|r--)(r-x|r--)|l.{9}) root/root ")


if __name__ == "__main__":
    unittest.main()
