"""The sidecar's bundle in Debian 11 and 13: a C library older than the bundle's, and a newer one. Run by
`make test-debian`."""

import os
import pathlib
import subprocess
import unittest

from bundle_case import BundleCase
from name_server import name_server

IMAGES = pathlib.Path(os.environ["MIDAIR_IMAGES"])
LIBRARY = "/lib/x86_64-linux-gnu/libm.so.6"  # of no use to any C library but its own


class DebianImages(BundleCase):
    def upgrade_in(self, suite):
        tarball = IMAGES / f"{suite}.tar"
        if not tarball.exists():
            self.skipTest(f"no mirror had Debian {suite}: {tarball} is missing")
        root = self.root / suite
        root.mkdir()
        subprocess.run(["tar", "-x", "-C", root, "--exclude", "./dev/*", "-f", tarball], check=True)
        image = self.image(root)
        image.write("/etc/nsswitch.conf", "hosts: compat hesiod dns\n")
        image.write("/etc/resolv.conf", "nameserver 127.0.0.1\n")
        image.put("/etc/ca.pem", self.test_authority)
        env = {"MIDAIR_CA_FILE": "/etc/ca.pem", "LD_PRELOAD": LIBRARY, "LD_LIBRARY_PATH": "/lib/x86_64-linux-gnu"}
        with name_server({"localhost": "127.0.0.1"}) as asked:
            self.upgrade(image, self.machine_in(image, ["./run"], env))
        self.assertIn("localhost", asked)

    def test_an_upgrade_in_debian_11(self):
        self.upgrade_in("bullseye")

    def test_an_upgrade_in_debian_13(self):
        self.upgrade_in("trixie")


if __name__ == "__main__":
    unittest.main()
