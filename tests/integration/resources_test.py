"""What packing and unpacking cost, and what they do when there is nothing left."""
import os
import resource
import shutil
import signal
import subprocess
import tempfile
import unittest
from pathlib import Path

from release_tool import release_tool

MIB = 1 << 20


def write_compressible(path, size):
    """About ten to one, so that neither the disk nor the limit on the ratio is in the way."""
    with open(path, "wb") as file:
        for _ in range(size // MIB):
            file.write((os.urandom(4096) + bytes(36864)) * 25 + os.urandom(MIB - 25 * 40960))


class Resources(unittest.TestCase):
    def setUp(self):
        self.home = Path(tempfile.mkdtemp(prefix="midair-resources-"))
        self.addCleanup(shutil.rmtree, self.home)
        self.source, self.target = self.home / "source", self.home / "target"
        self.source.mkdir()
        self.target.mkdir()
        self.tarball = self.home / "release.tar.gz"

    def pack(self):
        outcome = release_tool("pack", self.source, self.tarball)
        self.assertEqual(outcome.code, "ok", outcome.message)
        return outcome

    def extract(self, **options):
        return release_tool("extract", self.tarball, self.target, **options)

    def all_three(self):
        outcomes = self.pack(), self.extract(), release_tool("verify", self.target)
        for outcome in outcomes:
            self.assertEqual(outcome.code, "ok", outcome.message)
        return [outcome.peak_kib for outcome in outcomes]

    def with_a_file_of(self, size):
        """What the program takes by itself, which depends on its build, and where it is large, its buffers."""
        write_compressible(self.source / "small", size)
        peaks = self.all_three()
        shutil.rmtree(self.target)
        self.target.mkdir()
        return peaks

    def test_memory_does_not_grow_with_the_size_of_a_file(self):
        program_itself = self.with_a_file_of(32 * MIB)
        write_compressible(self.source / "large", 300 * MIB)
        for peak, small in zip(self.all_three(), program_itself):
            self.assertLess(peak, small + 2 * 1024)
        self.assertEqual((self.target / "large").stat().st_size, 300 * MIB)

    def test_memory_stays_small_with_six_thousand_files(self):
        program_itself = self.with_a_file_of(MIB)[1]
        for i in range(6_000):
            directory = self.source / "node_modules" / f"package-{i // 100}"
            directory.mkdir(parents=True, exist_ok=True)
            (directory / f"file-{i}.js").write_text(str(i))
        self.pack()
        outcome = self.extract()
        self.assertEqual(outcome.code, "ok", outcome.message)
        self.assertLess(outcome.peak_kib, program_itself + 4 * 1024)

    def test_a_file_size_limit_is_an_error_and_no_crash(self):
        (self.source / "data").write_bytes(os.urandom(MIB))
        self.pack()

        def limit():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (MIB // 2, MIB // 2))

        outcome = self.extract(preexec_fn=limit, restore_signals=False)
        self.assertEqual(outcome.code, "io", outcome.message)
        self.assertIn("data", outcome.message)
        outcome = release_tool("pack", self.source, self.tarball, preexec_fn=limit, restore_signals=False)
        self.assertEqual(outcome.code, "io", outcome.message)

    def test_a_full_disk_is_an_error_and_no_crash(self):
        script = f'mount -t tmpfs -o size=1m none "{self.target}" && "$@"'
        mount = ["unshare", "--mount", "--map-root-user", "sh", "-c", script, "sh"]
        if subprocess.run([*mount, "true"], stderr=subprocess.DEVNULL).returncode != 0:
            self.skipTest("no tmpfs can be mounted here")
        for case, files in {"a large file": {"large": os.urandom(2 * MIB)},
                            "many files": {f"f{i}": os.urandom(4096) for i in range(400)}}.items():
            with self.subTest(case):
                shutil.rmtree(self.source)
                self.source.mkdir()
                for name, content in files.items():
                    (self.source / name).write_bytes(content)
                self.pack()
                outcome = self.extract(prefix=mount)
                self.assertEqual(outcome.code, "no_space", outcome.message)
                self.assertIn("free some space", outcome.message)


if __name__ == "__main__":
    unittest.main()
