"""`make release`: what it refuses, and what a release changes. Works in a clone; packages are made by a stand-in for make."""

import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

SOURCE = pathlib.Path(os.environ["MIDAIR_SOURCE"])
FILES = ("CMakeLists.txt", "CHANGELOG.md", "scripts/release.sh")
MAKE = """#!/bin/sh
[ "$1 $3 $4" = "-C package bundle-image" ] && mkdir -p "$2/build" || exit 2
for made in midair_all.deb midair-sidecar.tar.gz midair-sidecar.oci.tar; do cp "$2/CMakeLists.txt" "$2/build/$made"; done
"""


class Release(unittest.TestCase):
    def setUp(self):
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="midair-release-test-"))
        self.addCleanup(shutil.rmtree, self.root)
        self.tree = self.root / "tree"
        for name in FILES:
            (self.tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(SOURCE / name, self.tree / name)
        self.edit("CHANGELOG.md", r"\A.*\Z", "# Changelog\n\n## Unreleased\n- Something new.\n\n## 0.0.1 - 2026-01-01\n- Old.\n")
        self.edit("CMakeLists.txt", r"midair VERSION [\d.]+", "midair VERSION 0.1.0")
        (self.tree / ".gitignore").write_text("/dist/\n")
        (self.root / "make").write_text(MAKE)
        (self.root / "make").chmod(0o755)
        self.git("init", "-q", "-b", "main")
        self.commit()

    def edit(self, name, pattern, text):
        path = self.tree / name
        path.write_text(re.sub(pattern, text, path.read_text(), count=1, flags=re.DOTALL))

    def git(self, *arguments):
        who = {f"GIT_{role}_{what}": "test@midair.invalid" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
        self.environment = {**os.environ, **who, "PATH": f"{self.root}:{os.environ['PATH']}", "GIT_CONFIG_GLOBAL": "/dev/null"}
        return subprocess.run(["git", *arguments], cwd=self.tree, env=self.environment, check=True, capture_output=True,
                              text=True).stdout.strip()

    def commit(self):
        self.git("add", "-A")
        self.git("commit", "-q", "-m", "a commit")

    def release(self, *arguments):
        done = subprocess.run(["scripts/release.sh", *arguments], cwd=self.tree, env=self.environment, check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        return done.returncode, done.stdout

    def expect_refused(self, arguments, status, said):
        before = self.git("rev-parse", "HEAD")
        ended, output = self.release(*arguments)
        self.assertEqual(ended, status, output)
        self.assertIn(said, output)
        self.assertEqual((self.git("rev-parse", "HEAD"), self.git("tag")), (before, ""))

    def test_commit_tag_packages_and_checksums(self):
        status, output = self.release("0.2.0")
        self.assertEqual(status, 0, output)
        self.assertEqual(self.git("describe", "--exact-match"), "v0.2.0")
        self.assertEqual(self.git("status", "--porcelain"), "")
        self.assertRegex(self.git("show", "v0.2.0:CHANGELOG.md"),
                         r"## Unreleased\n\n## 0\.2\.0 - \d{4}-\d\d-\d\d\n- Something new\.\n\n## 0\.0\.1")
        self.assertIn("midair VERSION 0.2.0 ", (self.tree / "dist/midair_all.deb").read_text())
        self.assertEqual({"midair_all.deb", "midair-sidecar.tar.gz", "midair-sidecar.oci.tar", "SHA256SUMS"},
                         {path.name for path in (self.tree / "dist").iterdir()})
        self.assertEqual(3, len((self.tree / "dist/SHA256SUMS").read_text().splitlines()))
        subprocess.run(["sha256sum", "--check", "--quiet", "SHA256SUMS"], cwd=self.tree / "dist", check=True)

    def test_a_dry_run_shows_it_and_changes_nothing(self):
        before = self.git("rev-parse", "HEAD")
        status, output = self.release("--dry-run", "0.2.0")
        self.assertEqual(status, 0, output)
        self.assertIn("+project(midair VERSION 0.2.0 ", output)
        self.assertEqual((self.git("rev-parse", "HEAD"), self.git("status", "--porcelain"), self.git("tag")), (before, "", ""))

    def test_what_is_no_version_or_an_older_one(self):
        for version in ("", "1.2", "v1.2.3", "1.2.3-rc1", "01.2.3"):
            self.expect_refused([version], 64, "usage")
        self.expect_refused(["0.0.9"], 1, "older than 0.1.0")

    def test_a_tree_with_changes(self):
        (self.tree / "new").write_text("x")
        self.expect_refused(["0.2.0"], 1, "not committed")

    def test_a_changelog_without_news(self):
        self.edit("CHANGELOG.md", "- Something new.\n", "")
        self.commit()
        self.expect_refused(["0.2.0"], 1, "says nothing")

    def test_when_packages_fail_nothing_has_happened(self):
        (self.root / "make").write_text("#!/bin/sh\nexit 2\n")
        self.expect_refused(["0.2.0"], 2, "")
        self.assertEqual(self.git("status", "--porcelain"), "")

    def test_a_version_that_has_its_tag(self):
        self.git("tag", "v0.2.0")
        status, output = self.release("0.2.0")
        self.assertEqual((status, "exists already" in output), (1, True), output)


if __name__ == "__main__":
    unittest.main()
