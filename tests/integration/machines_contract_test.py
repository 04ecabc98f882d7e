"""The client of the Machines API against Prism, a mock server that checks each request by the API's specification.

Prism is CTest's fixture: see prism.py."""

import os
import pathlib
import socket
import subprocess
import time
import unittest

import prism

BUILD = pathlib.Path(os.environ["MIDAIR_BUILD"])


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@unittest.skipIf(prism.what_is_missing(), prism.what_is_missing())
class Contract(unittest.TestCase):
    def start_prism(self):
        port = free_port()
        server = subprocess.Popen(
            [prism.PROGRAM, "mock", prism.SPEC, "-h", "127.0.0.1", "-p", str(port), "--errors", "-v", "warn"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.addCleanup(server.stdout.close)
        self.addCleanup(server.wait)
        self.addCleanup(server.kill)
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and server.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                return f"http://127.0.0.1:{port}"
            except OSError:
                time.sleep(0.1)
        self.fail("Prism does not listen")

    def test_every_request_is_accepted_and_every_error_understood(self):
        env = {**os.environ, "MIDAIR_CONTRACT_URL": self.start_prism()}
        result = subprocess.run([BUILD / "bin" / "test-machines", "contract"], env=env, timeout=120, text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.assertEqual(0, result.returncode, result.stdout)


if __name__ == "__main__":
    unittest.main()
