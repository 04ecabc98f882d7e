"""The sidecar's bundle in an empty image, one with musl, one with this computer's C library: from the entry point to an
upgrade over TLS, by name, with a hook and in place. Debian's own images: debian_images_test.py;
what the tarball holds: tests/integration/bundle_test.py."""

import re
import subprocess
import unittest

from bundle_case import CERTIFICATES, PARTS, PLACE, SIDECAR, BundleCase, pack_bundle
from fleet import wait_until
from image import Image
from in_place_case import EXAMPLE, InPlaceCase
from name_server import name_server

SYSTEMS_ROOTS = "/etc/ssl/certs/ca-certificates.crt"


class EmptyImage(BundleCase):
    """FROM scratch: not even /etc is there."""

    def test_an_upgrade_where_nothing_is(self):
        image = self.image()
        image.put("/ca.pem", self.test_authority)
        with name_server({"localhost": "127.0.0.1"}) as asked:
            self.upgrade(image, self.machine_in(image, env={"MIDAIR_CA_FILE": "/ca.pem"}))
        self.assertIn("localhost", asked)

    def test_nothing_of_the_image_gets_into_the_sidecar_and_all_of_it_into_the_app(self):
        image = self.image()
        trap = "/lib/x86_64-linux-gnu/libnss_trap.so.2"
        for path in (trap, "/lib/x86_64-linux-gnu/libz.so.1", "/lib/x86_64-linux-gnu/libc.so.6"):
            image.put(path, PARTS / "trap")
        image.write("/etc/nsswitch.conf", "hosts: trap dns\npasswd: trap\n")
        image.write("/etc/ld.so.preload", f"{trap}\n")
        image.put(CERTIFICATES, self.test_authority)
        env = {"LD_PRELOAD": trap, "LD_LIBRARY_PATH": "/lib/x86_64-linux-gnu"}
        machine = self.machine_in(image, env=env)
        with name_server({"localhost": "127.0.0.1"}):
            machine.start()
            machine.wait_for_version("base")
            wait_until(lambda: "m1" in self.agent.status(), machine.tail)
            self.assertEqual({"version": "base", **env}, machine.get())
            self.assertEqual(set(), self.foreign_libraries(image, machine))

    def test_an_entry_without_the_rest_says_so(self):
        image = self.image()
        image.within(f"{PLACE}/lib/midair-sidecar").unlink()
        done = subprocess.run([*image.wrapper, SIDECAR, "--version"], check=False, capture_output=True, text=True)
        self.assertEqual(127, done.returncode)
        self.assertIn("unpack all of midair-sidecar.tar.gz at /", done.stderr)


class MuslImage(BundleCase):
    """Alpine: musl, busybox and a shell."""

    app = PARTS / "musl"

    def image(self, root=None):
        image = super().image(root)
        image.put("/bin/sh", "/bin/busybox")
        image.put("/lib/ld-musl-x86_64.so.1", "/lib/x86_64-linux-musl/libc.so")
        image.put("/usr/lib/libtrap.so", PARTS / "musl-trap")
        image.write("/etc/resolv.conf", "nameserver 127.0.0.1\n")
        image.write("/etc/hosts", "127.0.0.1\tsomebody\n")
        return image

    def test_an_upgrade_with_the_bundles_own_certificates(self):
        image = self.image()
        image.put(CERTIFICATES, self.test_authority)
        with name_server({"localhost": "127.0.0.1"}):
            self.upgrade(image, self.machine_in(image, ["./run"], {"LD_PRELOAD": "/usr/lib/libtrap.so"}))

    def test_where_the_image_has_certificates_the_bundles_are_not_asked(self):
        image = self.image()
        image.put(CERTIFICATES, self.test_authority)
        image.put(SYSTEMS_ROOTS, SYSTEMS_ROOTS)
        machine = self.machine_in(image, ["./run"])
        with name_server({"localhost": "127.0.0.1"}):
            machine.start()
            machine.wait_for_version("base")
            wait_until(lambda: "certificate" in machine.status()["poller"]["last_error"], machine.tail)


class GlibcImage(InPlaceCase):
    """distroless/cc: a C library and no shell. The app loads its modules itself, and the check that the SDK brings loads
    each before: by the app's loader, not by the bundle's."""

    def place(self):
        image = Image(self.root / "image")
        self.resources.callback(image.close)
        image.share(self.root)
        image.share(EXAMPLE)
        image.unpack(pack_bundle(self.root / "midair-sidecar.tar.gz"))
        needed = subprocess.run(["ldd", EXAMPLE / "v1/server"], check=True, capture_output=True, text=True).stdout
        for library in re.findall(r"(/\S+) \(0x", needed):
            image.put(library, library)
        return {"program": SIDECAR, "wrapper": image.wrapper}

    def test_a_swap_in_place(self):
        self.publish("new")
        self.assert_nobody_noticed()


if __name__ == "__main__":
    unittest.main()
