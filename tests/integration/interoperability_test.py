"""Releases pass between Midair and GNU tar, bsdtar, Python's tarfile and Erlang's erl_tar, both ways, and stay the same."""
import os
import shutil
import subprocess
import tarfile
import tempfile
import unittest
from pathlib import Path

from release_tool import release_tool, tree_of

ERL_TAR = Path(__file__).parents[1] / "support/erl_tar.escript"
LONG_NAME = "d" * 90 + "/" + "e" * 50 + "/" + "n" * 100  # fills ustar's prefix


class Interoperability(unittest.TestCase):
    def setUp(self):
        self.home = Path(tempfile.mkdtemp(prefix="midair-interop-"))
        self.addCleanup(shutil.rmtree, self.home)
        source = self.home / "source"
        for name, content, mode in [("bin/run", b"#!/bin/sh\n", 0o755), ("lib/x/data", os.urandom(100_000), 0o644),
                                    (".hidden", b"", 0o644), (LONG_NAME, b"long", 0o644), ("a@b+c-d_e", b"1", 0o644)]:
            path = source / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            path.chmod(mode)
        self.tarball = self.home / "release.tar.gz"
        self.check(release_tool("pack", source, self.tarball))
        self.release = self.unpack(self.tarball, "release")  # what every other way must come to
        files = [str(p.relative_to(self.release)) for p in self.release.rglob("*") if p.is_file()]
        self.names = ["midair.json", *sorted(set(files) - {"midair.json"})]
        self.top = ["midair.json", *sorted(set(os.listdir(self.release)) - {"midair.json"})]

    def check(self, outcome):
        self.assertEqual(outcome.code, "ok", outcome.message)

    def run_tool(self, *command):
        return subprocess.run(command, check=True, timeout=60, stdout=subprocess.PIPE, text=True).stdout

    def unpack(self, tarball, name):
        directory = self.home / name
        directory.mkdir()
        self.check(release_tool("extract", tarball, directory))
        self.check(release_tool("verify", directory))
        return directory

    def assert_same_tree(self, directory):
        self.assertEqual(tree_of(directory), tree_of(self.release))

    def assert_readable(self, tarball):
        self.assert_same_tree(self.unpack(tarball, "unpacked"))
        shutil.rmtree(self.home / "unpacked")

    # --- ours, read by others

    def test_gnu_tar_reads_ours(self):
        self.assertEqual(self.run_tool("tar", "-tzf", self.tarball).split(), self.names)
        self.run_tool("gzip", "--test", self.tarball)
        theirs = self.home / "theirs"
        theirs.mkdir()
        self.run_tool("tar", "-xpzf", self.tarball, "-C", theirs)
        self.assert_same_tree(theirs)

    def test_bsdtar_reads_ours(self):
        theirs = self.home / "theirs"
        theirs.mkdir()
        self.assertEqual(self.run_tool("bsdtar", "-tzf", self.tarball).split(), self.names)
        self.run_tool("bsdtar", "-xpzf", self.tarball, "-C", theirs)
        self.assert_same_tree(theirs)

    def test_python_reads_ours(self):
        with tarfile.open(self.tarball) as tar:
            self.assertEqual(tar.getnames(), self.names)
            for member in tar:
                self.assertTrue(member.isreg())
                self.assertEqual((member.uid, member.gid, member.uname, member.gname, member.mtime), (0, 0, "", "", 0))
            tar.extractall(self.home / "theirs")
        self.assert_same_tree(self.home / "theirs")

    def test_erl_tar_reads_ours(self):
        self.assertEqual(self.run_tool(ERL_TAR, "list", self.tarball).split(), self.names)
        theirs = self.home / "theirs"
        theirs.mkdir()
        self.run_tool(ERL_TAR, "extract", self.tarball, theirs)
        self.assert_same_tree(theirs)

    def test_gnu_tar_would_write_the_same_archive(self):
        subprocess.run(["gzip", "-dk", self.tarball], check=True)
        theirs = self.home / "theirs.tar"
        listing = self.run_tool("tar", "-tf", self.home / "release.tar")
        plain = ["--format=ustar", "--numeric-owner", "--owner=0", "--group=0", "--mtime=@0"]
        subprocess.run(["tar", *plain, "-cf", theirs, "-C", self.release, "-T-"], input=listing, text=True, check=True)
        ours = (self.home / "release.tar").read_bytes()
        self.assertEqual(ours.rstrip(b"\0"), theirs.read_bytes().rstrip(b"\0"))

    # --- theirs, read by us

    def test_we_read_gnu_tar(self):
        tarball = self.home / "gnu.tar.gz"
        self.run_tool("tar", "--format=ustar", "-czf", tarball, "-C", self.release, *self.top)
        self.assert_readable(tarball)

    def test_we_read_what_gzip_gave_a_name_and_a_time(self):
        tar = self.home / "named.tar"
        self.run_tool("tar", "--format=ustar", "-cf", tar, "-C", self.release, *self.names)
        self.run_tool("gzip", "-9", "--name", tar)
        self.assertEqual((self.home / "named.tar.gz").read_bytes()[3], 8, "gzip recorded no name")
        self.assert_readable(self.home / "named.tar.gz")

    def test_we_read_bsdtar(self):
        tarball = self.home / "bsd.tar.gz"
        self.run_tool("bsdtar", "--format=ustar", "-czf", tarball, "-C", self.release, *self.top)
        self.assert_readable(tarball)

    def test_we_read_python(self):
        tarball = self.home / "python.tar.gz"
        with tarfile.open(tarball, "w:gz", format=tarfile.USTAR_FORMAT) as tar:
            for name in self.top:
                tar.add(self.release / name, name)
        self.assert_readable(tarball)

    def test_we_read_erl_tar(self):
        """Its modes carry the file's type. Of long names it makes pax headers, so there are none here."""
        shutil.rmtree(self.home / "source" / LONG_NAME.split("/")[0])
        shutil.rmtree(self.release)
        self.check(release_tool("pack", self.home / "source", self.tarball))
        self.unpack(self.tarball, "release")
        tarball = self.home / "erlang.tar.gz"
        self.run_tool(ERL_TAR, "create", tarball, self.release, "midair.json", *os.listdir(self.home / "source"))
        self.assert_readable(tarball)

    def test_we_refuse_their_default_formats_by_name(self):
        """GNU tar's own format, and pax, which bsdtar, Python and erl_tar write when a name or time needs it."""
        gnu = self.home / "gnu.tar.gz"
        self.run_tool("tar", "--format=gnu", "-czf", gnu, "-C", self.release, "midair.json")
        pax = self.home / "pax.tar.gz"
        self.run_tool("tar", "--format=pax", "-czf", pax, "-C", self.release, "midair.json")
        erlang = self.home / "erlang.tar.gz"
        self.run_tool(ERL_TAR, "create", erlang, self.release, LONG_NAME)
        for tarball, words in [(gnu, "GNU tar's own format"), (pax, "pax extended header"),
                               (erlang, "pax extended header")]:
            target = self.home / f"from-{tarball.stem}"
            target.mkdir()
            outcome = release_tool("extract", tarball, target)
            self.assertEqual(outcome.code, "refused")
            self.assertIn(words, outcome.message)
            self.assertIn("--format=ustar", outcome.message)


if __name__ == "__main__":
    unittest.main()
