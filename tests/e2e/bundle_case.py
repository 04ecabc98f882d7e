"""What tests of the sidecar's bundle share: an image of some kind with the bundle in it, and an app that is upgraded there.
Run by tests/support/in-namespaces and tests/support/s3/with-s3."""

import os
import pathlib
import shutil
import subprocess
import unittest.mock
import uuid

from case import FleetCase
from fleet import ROOT, Agent, build_dir, wait_until
from image import Image

PARTS = build_dir() / "root-parts"
PLACE = "/opt/midair"
SIDECAR = f"{PLACE}/bin/midair-sidecar"
CERTIFICATES = f"{PLACE}/etc/ssl/certs/ca-certificates.crt"
ALWAYS_HEALTHY = 'function healthy(context) midair.log("well in here") return true end\n'


def pack_bundle(tarball):
    done = subprocess.run([ROOT / "scripts/bundle.py", build_dir(), tarball], check=False, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode != 0:
        raise AssertionError(done.stdout)
    return tarball


class BundleCase(FleetCase):
    """One image; the store is S3, by TLS, and its name is not known to anybody but the name server."""

    app = PARTS / "static"

    def setUp(self):
        super().setUp()
        self.resources.enter_context(unittest.mock.patch.dict(os.environ))
        for name in ("SSL_CERT_DIR", "SSL_CERT_FILE"):  # of whoever runs the tests; images have none
            os.environ.pop(name, None)
        self.address = f"s3://{os.environ['MIDAIR_TEST_BUCKET']}/{uuid.uuid4().hex[:8]}"
        self.endpoint = {"AWS_ENDPOINT_URL_S3": os.environ["MIDAIR_TEST_S3_TLS_ENDPOINT"]}
        self.test_authority = os.environ["MIDAIR_CA_FILE"]

    @property
    def agent(self):
        return Agent(self.address, cwd=self.root, env=self.endpoint)

    def image(self, root=None):
        """An image, by default an empty one, into which the bundle was added."""
        image = Image(root or self.root / "image")
        self.resources.callback(image.close)
        image.share(self.root)
        image.unpack(pack_bundle(self.root / "midair-sidecar.tar.gz"))
        return image

    def release(self, version, **_):
        """The app under its name for `version`; `./run` starts it by the image's own shell."""
        directory = self.root / f"release-{version}"
        if not directory.exists():
            directory.mkdir()
            shutil.copy(self.app, directory / "server")
            (directory / "VERSION").write_text(version)
            (directory / "run").write_text("#!/bin/sh\nexec ./server\n")
            (directory / "run").chmod(0o755)
        return directory

    def machine_in(self, image, command=("./server",), env=(), **settings):
        """A machine whose entry point is the bundle's; not yet started."""
        (self.root / "hooks.lua").write_text(ALWAYS_HEALTHY)
        return self.machine(command=command, program=SIDECAR, wrapper=image.wrapper, passed=False,
                            env={**self.endpoint, "MIDAIR_CA_FILE": "", **dict(env)},
                            options={"--hooks": self.root / "hooks.lua", "--probation": "1500ms"}, **settings)

    def upgrade(self, image, machine):
        """Start, one upgrade judged by a hook, status, end; the sidecar loads nothing but its own."""
        self.assertRegex(image.run(SIDECAR, "--version"), r"^midair-sidecar \d")
        machine.start()
        machine.wait_for_version("base")
        wait_until(lambda: "m1" in self.agent.status(), machine.tail)
        self.publish("v2")
        machine.wait_for_version("v2")
        self.assertIn("well in here", machine.log())
        said = image.run(SIDECAR, "status", "--control", machine.control)
        self.assertRegex(said, r"running +version v2, pid \d+")
        self.assertEqual(set(), self.foreign_libraries(image, machine))
        self.assertEqual(0, machine.stop(), machine.tail())

    def foreign_libraries(self, image, machine):
        """The files that the sidecar has mapped and that aren't the bundle's."""
        lines = pathlib.Path(f"/proc/{machine.process.pid}/maps").read_text().splitlines()
        files = {pathlib.Path(line.split(maxsplit=5)[5]) for line in lines if line.count("/")}
        self.assertIn(image.within(f"{PLACE}/lib/midair-sidecar"), files)
        return {file for file in files if not file.is_relative_to(image.within(PLACE))}
