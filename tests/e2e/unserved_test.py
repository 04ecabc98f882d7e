"""A base image that runs and serves nobody is not silent: log and status say so, with the likely cause."""

import unittest

from case import FleetCase
from fleet import wait_until

# As many servers do: it takes the socket only if LISTEN_PID is its own, else it listens on loopback.
CAREFUL = """#!/usr/bin/python3
import http.server, os, socket
server = http.server.HTTPServer(("127.0.0.1", 0), http.server.SimpleHTTPRequestHandler)
if os.environ.get("LISTEN_PID") == str(os.getpid()):
    server.socket = socket.socket(fileno=3)
server.serve_forever()
"""


class Unserved(FleetCase):
    def run_with(self, *command, **options):
        directory = self.release("base", server=CAREFUL)
        settings = {"--ready-timeout": "500ms", "--ready-http": "/", **options}
        return self.machine(base_dir=directory, command=command, options=settings).start()

    def problem(self, machine):
        wait_until(lambda: "app.not_ready" in machine.log(), machine.tail)
        self.assertEqual(machine.log().count("app.not_ready"), 1)
        return machine.status()["service_problem"]

    def test_a_wrapper_that_listen_pid_names(self):
        machine = self.run_with("sh", "-c", "./server.py; true")
        problem = self.problem(machine)
        self.assertRegex(problem, r"process \d+ \(python3[.0-9]*\) listens on 127\.0\.0\.1:\d+ \(this machine only\)")
        self.assertRegex(problem, r"LISTEN_PID names process \d+ \([a-z]+\), a wrapper")

    def test_a_socket_that_nobody_accepts_from(self):
        problem = self.problem(self.run_with("sleep", "1000"))
        self.assertRegex(problem, r"connections wait on 127\.0\.0\.1:\d+: nobody accepts them, though process \d+")

    def test_an_app_that_serves_is_not_suspected(self):
        machine = self.run_with("./server.py", **{"--ready-timeout": "1s"})
        wait_until(lambda: '"GET / HTTP/1.1" 200' in machine.log(), machine.tail)  # the check itself
        machine.wait_for_polls()
        self.assertNotIn("service_problem", machine.status())
        self.assertNotIn("app.not_ready", machine.log())


if __name__ == "__main__":
    unittest.main()
