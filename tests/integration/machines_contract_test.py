"""The client of the Machines API against Prism, a mock server that checks each request by the API's specification.

The specification is not part of this tree: MIDAIR_FLY_SPEC names it, else it is looked for beside the tree. Prism is an
npm package and is installed into the build directory when it is first needed."""

import os
import pathlib
import shutil
import socket
import subprocess
import time
import unittest

BUILD = pathlib.Path(os.environ["MIDAIR_BUILD"])
SOURCE = pathlib.Path(os.environ["MIDAIR_SOURCE"])
SPEC = pathlib.Path(os.environ.get("MIDAIR_FLY_SPEC", SOURCE.parent / "shared" / "fly" / "machines-openapi.mock.json"))
PRISM = BUILD / "prism" / "node_modules" / ".bin" / "prism"


def install_prism():
    if PRISM.exists():
        return
    subprocess.run(["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", BUILD / "prism",
                    "@stoplight/prism-cli@5"], check=True, timeout=240, stdin=subprocess.DEVNULL)


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@unittest.skipUnless(SPEC.exists(), f"there is no specification of the Machines API: {SPEC}")
@unittest.skipUnless(shutil.which("npm"), "npm isn't installed, so Prism can't be")
class Contract(unittest.TestCase):
    def start_prism(self):
        port = free_port()
        prism = subprocess.Popen([PRISM, "mock", SPEC, "-h", "127.0.0.1", "-p", str(port), "--errors", "-v", "warn"],
                                 stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.addCleanup(prism.stdout.close)
        self.addCleanup(prism.wait)
        self.addCleanup(prism.kill)
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and prism.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                return f"http://127.0.0.1:{port}"
            except OSError:
                time.sleep(0.1)
        self.fail("Prism does not listen")

    def test_every_request_is_accepted_and_every_error_understood(self):
        install_prism()
        env = {**os.environ, "MIDAIR_CONTRACT_URL": self.start_prism()}
        result = subprocess.run([BUILD / "bin" / "test-machines", "contract"], env=env, timeout=120, text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.assertEqual(0, result.returncode, result.stdout)


if __name__ == "__main__":
    unittest.main()
