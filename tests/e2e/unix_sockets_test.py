"""Servers that listen on a Unix socket by its path: gunicorn removes what lies there first, puma tries by connecting."""

import contextlib
import functools
import http.client
import json
import os
import socket
import unittest

from case import FleetCase
from fleet import wait_until

# One of its versions is ill, for whoever asks after its health, once it has had a client.
WSGI = """import time
SERVED = []

def app(environ, start_response):
    environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    if environ["PATH_INFO"] == "/slow":
        time.sleep(1)
    if environ["PATH_INFO"] != "/health":
        SERVED.append(True)
    ill = environ["PATH_INFO"] == "/health" and "{version}" == "ill" and SERVED
    body = b'{{"version": "{version}"}}'
    start_response("500 Ill" if ill else "200 OK", [("Content-Length", str(len(body)))])
    return [body]
"""
RACK = """served = false
run ->(env) do
  sleep 1 if env["PATH_INFO"] == "/slow"
  served ||= env["PATH_INFO"] != "/health"
  ill = env["PATH_INFO"] == "/health" && "{version}" == "ill" && served
  [ill ? 500 : 200, {{}}, ['{{"version": "{version}"}}']]
end
"""
GUNICORN = ("gunicorn", "--log-level", "warning", "--workers", "2", "--graceful-timeout", "5")


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=10)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class UnixSockets(FleetCase):
    def setUp(self):
        super().setUp()
        self.path = self.root / "app.sock"

    def release(self, version, **files):
        directory = self.root / f"release-{version}"
        directory.mkdir(exist_ok=True)
        (directory / "wsgi.py").write_text(WSGI.format(version=version))
        (directory / "config.ru").write_text(RACK.format(version=version))
        return directory

    def ask(self, method="GET", path="/", body=None):
        with contextlib.closing(UnixConnection(str(self.path))) as client:
            client.request(method, path, body)
            answer = client.getresponse()
            return answer.status, json.loads(answer.read())["version"]

    def serves(self, version):
        with contextlib.suppress(OSError, http.client.HTTPException):
            return self.ask()[1] == version
        return False

    def serving(self, *command, unix=True):
        options = {"--drain-timeout": "8s", "--probation": "4s", "--ready-http": "/health"}
        if unix:
            options["--unix"] = self.path
        else:
            options = {"--drain-timeout": "8s"}
        machine = self.machine(passed=False, command=command, options=options).start()
        wait_until(lambda: self.serves("base"), machine.tail)
        wait_until(lambda: machine.name in self.agent.status(), machine.tail)
        return machine

    def clients(self, machine):
        """Each asks on a connection of its own; one always waits for a slow answer."""
        requests = [("GET", "/"), ("GET", "/"), ("POST", "/", b"x"), ("GET", "/slow")]
        return self.asking(machine, [functools.partial(self.ask, *request) for request in requests])

    def upgrade_and_go_back(self, *command):
        machine = self.serving(*command)
        with self.clients(machine) as seen:
            for version in ("r1", "r2", "r3"):
                self.publish(version)
                self.assertTrue(self.serves(version), machine.tail(40))
            done = self.hot("ill")
            self.assertEqual(done.returncode, 1, done.stdout)
            self.assertTrue(self.serves("r3"), machine.tail(40))
            wait_until(lambda: all(f"app.ended generation={n} " in machine.log() for n in (1, 2, 3, 5)), machine.tail)
            self.assertTrue(self.serves("r3"), machine.tail(40))
        self.assertEqual({status for status, _ in seen}, {200})
        self.assertEqual({version for _, version in seen}, {"base", "r1", "r2", "r3", "ill"})
        self.assertNotIn("app.started generation=6", machine.log())  # the process that served came back
        self.assertEqual([name for name in os.listdir(self.root) if name.endswith("app.sock")], ["app.sock"])
        print(f"{command[0]} on a Unix socket: {len(seen)} requests, 0 failed")

    def test_gunicorn(self):
        self.upgrade_and_go_back(*GUNICORN, "--bind", f"unix:{self.path}", "wsgi:app")

    def test_puma(self):
        self.upgrade_and_go_back("puma", "--quiet", "-b", f"unix://{self.path}", "config.ru")

    def test_what_is_not_named_is_refused_and_stays(self):
        machine = self.serving(*GUNICORN, "--bind", f"unix:{self.path}", "wsgi:app", unix=False)
        with self.clients(machine) as seen:
            done = self.hot("r1")
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertIn(f"give --unix {self.path}", self.store.wait_for_result("m1", "r1", "failed")["error"])
        self.assertEqual(set(seen), {(200, "base")})


if __name__ == "__main__":
    unittest.main()
