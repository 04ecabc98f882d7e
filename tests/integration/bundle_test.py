"""The sidecar's bundle and the image that is made of it: what they hold, and that they are the same each time."""

import gzip
import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import tarfile
import tempfile
import unittest

BUILD = pathlib.Path(os.environ["MIDAIR_BUILD"])
SOURCE = pathlib.Path(os.environ["MIDAIR_SOURCE"])
PROGRAMS = {"opt/midair/bin/midair-sidecar", "opt/midair/lib/midair-sidecar", "opt/midair/lib/ld-linux-x86-64.so.2"}
MAX_UNPACKED = 20 << 20


def run(*command):
    done = subprocess.run([str(word) for word in command], text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          timeout=250, check=False)
    if done.returncode != 0:
        raise AssertionError(f"{command} ended with {done.returncode}:\n{done.stdout}")
    return done.stdout


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


class Bundle(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.work = pathlib.Path(tempfile.mkdtemp(prefix="midair-bundle-test-"))
        cls.addClassCleanup(shutil.rmtree, cls.work)
        cls.tarball = cls.packed("midair-sidecar.tar.gz")

    @classmethod
    def packed(cls, name):
        run(SOURCE / "scripts/bundle.py", BUILD, cls.work / name)
        return cls.work / name

    def image(self, name):
        run(SOURCE / "scripts/bundle_image.sh", self.tarball, "1.2.3", self.work / name)
        return self.work / name

    def test_the_same_parts_give_the_same_bytes(self):
        self.assertEqual(digest(self.tarball), digest(self.packed("again.tar.gz")))
        self.assertEqual(digest(self.image("image.tar")), digest(self.image("again.tar")))

    def test_all_of_it_is_roots_below_opt_midair_and_small(self):
        with tarfile.open(self.tarball) as tar:
            entries = tar.getmembers()
        self.assertEqual({"opt"}, {entry.name for entry in entries if not entry.name.startswith("opt/midair")})
        self.assertEqual({(0, 0, 0)}, {(entry.uid, entry.gid, entry.mtime) for entry in entries})
        self.assertEqual({0o755}, {entry.mode for entry in entries if entry.isdir() or entry.name in PROGRAMS})
        self.assertEqual({0o644}, {entry.mode for entry in entries if not entry.isdir() and entry.name not in PROGRAMS})
        in_groups = "MIDAIR_UNITY:BOOL=ON" in (BUILD / "CMakeCache.txt").read_text()  # which isn't what is shipped
        self.assertLessEqual(sum(entry.size for entry in entries), MAX_UNPACKED + (1 << 20 if in_groups else 0))

    def test_nothing_in_it_names_this_checkout(self):
        with gzip.open(self.tarball) as bundle:
            self.assertNotIn(str(SOURCE).encode(), bundle.read())

    def test_each_library_comes_with_its_licence(self):
        with tarfile.open(self.tarball) as tar:
            names = tar.getnames()
            sources = tar.extractfile("opt/midair/share/doc/midair-sidecar/SOURCES").read().decode()
        packages = re.findall(r"^(\S+) \S+ \(source \S+ \S+\)$", sources, re.MULTILINE)
        self.assertLessEqual({"libc6", "libssl3", "libstdc++6", "ca-certificates", "liblua5.4-dev"}, set(packages))
        for package in packages:
            self.assertIn(f"opt/midair/share/doc/{package}/copyright", names)
        self.assertIn("opt/midair/share/common-licenses/LGPL-2.1", names)

    def test_the_image_is_one_layer_that_is_the_bundle(self):
        image = f"oci-archive:{self.image('looked-at.tar')}:1.2.3"
        configuration = json.loads(run("skopeo", "inspect", "--config", image))
        self.assertEqual(["/opt/midair/bin/midair-sidecar"], configuration["config"]["Entrypoint"])
        with gzip.open(self.tarball) as bundle:
            self.assertEqual([f"sha256:{hashlib.sha256(bundle.read()).hexdigest()}"], configuration["rootfs"]["diff_ids"])
        self.assertEqual(1, len(json.loads(run("skopeo", "inspect", image))["Layers"]))


if __name__ == "__main__":
    unittest.main()
