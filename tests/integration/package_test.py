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
        expected = {"midair", "libmidair-dev", "libmidair-app0", "libmidair-app-dev"} | ({"midair-sidecar"} if HAS_SIDECAR else set())
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
        programs = [path for path in root.rglob("*") if path.is_file() and "usr/share" not in str(path)]
        self.assertEqual([root / "usr/bin/midair-sidecar"], programs)
        self.expect_complete_dependencies("midair-sidecar", root)
        self.assertNotIn("midair-core", run("ldd", programs[0]))
        self.assertNotIn("midair", self.fields("midair-sidecar")["Depends"])
        run(programs[0], "--version")

    def test_the_library_of_apps_is_a_package_that_needs_nothing_of_the_sdk(self):
        root = self.unpacked("libmidair-app0")
        files = {str(path.relative_to(root)) for path in root.rglob("*.so*")}
        version = self.fields("libmidair-app0")["Version"]
        self.assertEqual({"usr/lib/libmidair-app.so.0", f"usr/lib/libmidair-app.so.{version}"}, files)
        self.assertFalse((root / "usr/include").exists())
        self.assertNotIn("midair", self.fields("libmidair-app0")["Depends"])
        sdk = self.unpacked("libmidair-app-dev")
        self.assertEqual(["libmidair-app.so"], [path.name for path in sdk.rglob("*.so*")])
        self.assertIn(f"libmidair-app0 (= {version})", self.fields("libmidair-app-dev")["Depends"])

    @unittest.skipUnless(HAS_SIDECAR, "the sidecar isn't built")
    def test_every_program_has_a_manual_page(self):
        for package in self.debs:
            root = self.unpacked(package)
            for program in root.glob("usr/bin/*"):
                with self.subTest(package, program=program.name):
                    page = root / f"usr/share/man/man1/{program.name}.1.gz"
                    self.assertIn(f"{program.name} - ", run("man", "-l", page, env={"MANWIDTH": "100", "LC_ALL": "C",
                                                                                  "PATH": os.environ["PATH"]}))
        pages = {page.name for page in self.unpacked("midair").glob("usr/share/man/man1/*")}
        self.assertLessEqual({"midair.1.gz", "midair-hot.1.gz", "midair-machines.1.gz", "midair-tokens.1.gz"}, pages)

    def test_lintian_has_nothing_to_say(self):
        self.assertEqual("", run("lintian", "--fail-on", "none", "--no-cfg", "--allow-root", *self.debs.values()))

    def test_files_belong_to_root_and_only_root_may_write_them(self):
        for package, deb in self.debs.items():
            for line in run("dpkg-deb", "--contents", deb).splitlines():
                with self.subTest(package, line=line):
                    self.assertRegex(line, r"^([-d]...(r-x|r--)(r-x|r--)|l.{9}) root/root ")


if __name__ == "__main__":
    unittest.main()
