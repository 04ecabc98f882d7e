"""Releases pass between Midair and GNU tar, bsdtar, Python's tarfile and Erlang's erl_tar, both ways, and stay the same."""
import os
import shutil
import subprocess
import tarfile
import tempfile
import unittest
import zlib
from pathlib import Path

from release_tool import release_tool, tree_of

ERL_TAR = Path(__file__).parents[1] / "support/erl_tar.escript"
LONG_NAME = "d" * 90 + "/" + "e" * 50 + "/" + "n" * 100  # fills ustar's prefix


class Tools(unittest.TestCase):
    """A source, the tarball that we make of it, and what that is unpacked to."""

    FILES = []

    def setUp(self):
        self.home = Path(tempfile.mkdtemp(prefix="midair-interop-"))
        self.addCleanup(shutil.rmtree, self.home)
        self.source = self.home / "source"
        for name, content, mode in self.FILES:
            path = self.source / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            path.chmod(mode)
        self.fill_source()
        self.tarball = self.home / "release.tar.gz"
        self.check(release_tool("pack", self.source, self.tarball))
        self.release = self.unpack(self.tarball, "release")  # what every other way must come to
        files = [str(p.relative_to(self.release)) for p in self.release.rglob("*") if p.is_file()]
        self.names = ["midair.json", *sorted(set(files) - {"midair.json"})]
        self.top = ["midair.json", *sorted(set(os.listdir(self.release)) - {"midair.json"})]

    def fill_source(self):
        """Whatever is no file."""

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

    def theirs(self):
        directory = self.home / "theirs"
        directory.mkdir()
        return directory


class Interoperability(Tools):
    FILES = [("bin/run", b"#!/bin/sh\n", 0o755), ("lib/x/data", os.urandom(100_000), 0o644), (".hidden", b"", 0o644),
             (LONG_NAME, b"long", 0o644), ("a@b+c-d_e", b"1", 0o644)]

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
        for tarball, words in [(gnu, "GNU tar's own format"), (pax, "pax extended header")]:
            target = self.home / f"from-{tarball.stem}"
            target.mkdir()
            outcome = release_tool("extract", tarball, target)
            self.assertEqual(outcome.code, "refused")
            self.assertIn(words, outcome.message)
            self.assertIn("--format=ustar", outcome.message)


LONG_COMPONENT = "vendors-node_modules_" * 12  # 252 bytes


class AnyTree(Tools):
    """Links, empty directories, modes, and names that ustar has no room for."""

    FILES = [(LONG_COMPONENT, b"1", 0o644), (f"{LONG_COMPONENT}-d/{LONG_COMPONENT}.js", b"2", 0o644),
             ("app/[slug]/(group)/page.js", b"3", 0o644), ("launcher manifest.xml", b"4", 0o644),
             ("keys/tls.key", b"5", 0o600), ("keys/group", b"6", 0o640), ("bin/run", b"#!/bin/sh\n", 0o755),
             ("locale/fran\u00e7ais.po", b"7", 0o644), ("README", b"8", 0o644), ("readme", b"9", 0o644)]

    def fill_source(self):
        (self.source / "tmp" / "pids").mkdir(parents=True)
        (self.source / "private").mkdir(mode=0o700)
        for name, target in [("lib64", "bin"), ("run", "lib64/run"), ("long", f"{LONG_COMPONENT}-d/{LONG_COMPONENT}.js"),
                             ("keys/up", "../README")]:
            (self.source / name).symlink_to(target)

    def assert_same(self, directory):
        self.assertEqual(tree_of(directory), tree_of(self.release))

    def test_what_is_unpacked_is_what_was_packed(self):
        said = self.run_tool("rsync", "-n", "-rlpc", "-i", "--delete", "--exclude=/midair.json", f"{self.source}/",
                             f"{self.release}/")
        self.assertEqual(said, "")

    def test_gnu_tar_reads_it(self):
        theirs = self.theirs()
        self.run_tool("tar", "-xpzf", self.tarball, "-C", theirs)
        self.assert_same(theirs)

    def test_bsdtar_reads_it(self):
        theirs = self.theirs()
        self.run_tool("env", "LC_ALL=C.UTF-8", "bsdtar", "-xpzf", self.tarball, "-C", theirs)
        self.assert_same(theirs)

    def test_python_reads_it(self):
        with tarfile.open(self.tarball) as tar:
            self.assertEqual({member.mtime for member in tar}, {0})
            tar.extractall(self.home / "theirs")
        self.assert_same(self.home / "theirs")

    def test_erl_tar_reads_it(self):
        """All but a link with '..' in it, which it refuses wherever that leads."""
        (self.source / "keys/up").unlink()
        shutil.rmtree(self.release)
        self.check(release_tool("pack", self.source, self.tarball))
        self.unpack(self.tarball, "release")
        theirs = self.theirs()
        self.run_tool(ERL_TAR, "extract", self.tarball, theirs)

        def kinds(tree):  # it gives modes of its own, and rewrites links over links
            return {name: (mode[:-4], None if mode.startswith("0o12") else content) for name, (mode, content) in tree.items()}

        self.assertEqual(kinds(tree_of(theirs)), kinds(tree_of(self.release)))

    def test_it_is_one_gzip_member(self):
        packed = self.tarball.read_bytes()
        member = zlib.decompressobj(wbits=31)
        member.decompress(packed)
        self.assertTrue(member.eof)
        self.assertEqual(member.unused_data, b"")

    def test_we_read_links_and_directories_of_others(self):
        for path in [*self.source.glob(f"{LONG_COMPONENT}*"), self.source / "long"]:  # others write pax of their own for these
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        shutil.rmtree(self.release)
        self.check(release_tool("pack", self.source, self.tarball))
        self.unpack(self.tarball, "release")
        top = ["midair.json", *sorted(set(os.listdir(self.release)) - {"midair.json"})]
        for tool in (["tar", "--format=ustar"], ["bsdtar", "--format=ustar"]):
            with self.subTest(tool[0]):
                tarball = self.home / f"{tool[0]}.tar.gz"
                self.run_tool("env", "LC_ALL=C.UTF-8", *tool, "-czf", tarball, "-C", self.release, *top)
                self.assert_readable(tarball)


class Determinism(unittest.TestCase):
    """Two checkouts, on two days, in two orders."""

    def test_same_tree_same_bytes(self):
        home = Path(tempfile.mkdtemp(prefix="midair-interop-"))
        self.addCleanup(shutil.rmtree, home)
        names = [name for name, _, _ in AnyTree.FILES]
        tarballs = []
        for day, order in [("2026-01-01 00:00:00", names), ("2031-07-09 12:34:56", names[::-1])]:
            source = home / f"checkout {len(tarballs)}"
            for name in order:
                (source / name).parent.mkdir(parents=True, exist_ok=True)
                (source / name).write_text(name)
            (source / "empty").mkdir()
            (source / "link").symlink_to("README")
            subprocess.run(["find", source, "-exec", "touch", "-h", "-d", day, "{}", "+"], check=True)
            tarball = home / f"{len(tarballs)}.tar.gz"
            # It comes before AddressSanitizer, as a library that is loaded first.
            outcome = release_tool("pack", source, tarball, prefix=["faketime", day] if shutil.which("faketime") else [],
                                   env={**os.environ, "ASAN_OPTIONS": "verify_asan_link_order=0"})
            self.assertEqual(outcome.code, "ok", outcome.message)
            tarballs.append(tarball.read_bytes())
        self.assertEqual(tarballs[0], tarballs[1])


if __name__ == "__main__":
    unittest.main()
