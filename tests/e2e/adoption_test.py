"""Apps as people have them: they bind their port themselves, and know nothing of a sidecar."""

import contextlib
import os
import re
import socket
import subprocess
import threading
import unittest

from case import ANSWERS, FleetCase
from fleet import Port, wait_until

# Binds PORT as it was told to, serves until it is killed, and handles no signal.
SERVER = """#!/usr/bin/python3
import http.server, os, socket, threading, time
from answers import JsonHandler
VERSION, DELAY, FAMILY, HOST = "{version}", {delay}, socket.{family}, "{host}"
time.sleep(DELAY)

class Handler(JsonHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.answer({{"version": VERSION, "pid": os.getpid(), "count": 0}}, {status})

    def do_POST(self):
        self.rfile.read(int(self.headers.get("Content-Length", "0")))
        self.do_GET()

class Server(http.server.ThreadingHTTPServer):
    address_family = FAMILY
    daemon_threads = True

{before}
server = Server((HOST, int(os.environ["PORT"])), Handler)
{after}
server.serve_forever()
"""

DIES_SOON = 'threading.Timer(0.3, lambda: os._exit(3)).start()'

DIES_OF_CLIENTS = """
def dies_soon(self, answer=Handler.do_POST):
    answer(self)
    threading.Timer(0.3, lambda: os._exit(3)).start()
Handler.do_POST = dies_soon
"""

TESTS_ITS_PORT = """
with socket.socket(FAMILY, socket.SOCK_STREAM) as trial:
    trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    trial.bind((HOST, int(os.environ["PORT"])))
    trial.listen()
"""

BINDS_TWICE = """
with socket.socket(FAMILY, socket.SOCK_STREAM) as second:
    second.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        second.bind((HOST, int(os.environ["PORT"])))
    except OSError as error:
        print("the second bind:", error.strerror, flush=True)
"""


class Adoption(FleetCase):
    """No --listen, no READY=1, no SIGTERM handler."""

    def machine(self, name="m1", **settings):
        settings["options"] = {"--drain-timeout": "5s", **settings.get("options", {})}
        return super().machine(name, passed=False, **settings)

    def release(self, version, delay=0, family="AF_INET", host="0.0.0.0", status=200, before="", after="", **files):
        if (self.root / f"release-{version}").exists():
            return self.root / f"release-{version}"
        server = SERVER.format(version=version, delay=delay, family=family, host=host, status=status, before=before,
                               after=after)
        return super().release(version, **{"answers": ANSWERS, "server": server, **files})

    def clients(self, machine, number=4, cut=0):
        """Each asks on a connection of its own; what they saw. So many may be cut, by code that dies."""
        def ask():
            status, _, body = machine.request("POST", "/", b"x")
            return status, re.search(rb'"version": "([^"]*)"', body)[1].decode()
        return self.asking(machine, [ask] * number, cut)

    def test_an_app_that_only_knows_its_port_is_upgraded(self):
        machine = self.started()
        with self.clients(machine) as seen:
            for version in ("v1", "v2", "v3"):
                self.publish(version)
            wait_until(lambda: ("app.ended generation=3" in machine.log()), machine.tail)
        self.assertEqual({status for status, _ in seen}, {200})
        self.assertEqual(seen[-1][1], "v3")
        self.assertIn(f"sockets.adopted generation=2 address=0.0.0.0:{machine.port}", machine.log())

    def test_what_is_not_ready_yet_answers_nobody(self):
        machine = self.started()
        with self.clients(machine) as seen:
            self.publish("slow", directory=self.release("slow", delay=1))
        self.assertEqual({status for status, _ in seen}, {200})

    def test_what_never_becomes_ready_answers_nobody(self):
        machine = self.started(options={"--ready-timeout": "1s", "--ready-http": "/"})
        with self.clients(machine) as seen:
            done = self.hot("ill", directory=self.release("ill", status=500))
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertIn("answered 500", self.store.wait_for_result("m1", "ill", "failed")["error"])
        self.assertEqual(set(seen), {(200, "base")})

    def test_what_listens_elsewhere_first_is_not_ready_yet(self):
        with contextlib.closing(Port()) as metrics:
            early = f"threading.Thread(target=Server((HOST, {metrics.number}), Handler).serve_forever).start()"
            machine = self.started(base_dir=self.release("base", before=early), options={"--ready-http": "/"})
            with self.clients(machine) as seen:
                self.publish("v1", directory=self.release("v1", before=f"{early}\ntime.sleep(1)"))
        self.assertEqual({status for status, _ in seen}, {200})
        self.assertEqual(seen[-1][1], "v1")

    def test_a_roll_back_is_a_switch_to_the_process_that_served(self):
        machine = self.started(options={"--probation": "3s"})
        before = machine.get()["pid"]
        with self.clients(machine, number=4, cut=4) as seen:
            done = self.hot("bad", directory=self.release("bad", after=DIES_OF_CLIENTS))
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertEqual(machine.get()["pid"], before)
        self.assertIn((200, "bad"), seen)
        self.assertNotIn("app.started generation=3", machine.log())

    def test_without_a_warm_process_the_last_good_release_is_started_anew(self):
        machine = self.started(options={"--probation": "3s", "--keep-warm": "off"})
        before = machine.get()["pid"]
        self.hot("bad", directory=self.release("bad", after=DIES_SOON))
        machine.wait_for_version("base")
        self.assertNotEqual(machine.get()["pid"], before)

    def upgrade_at(self, family, host, to="127.0.0.1"):
        """An upgrade of an app that listens at `host`; its clients come to `to`."""
        machine = self.machine(base_dir=self.release("base", family=family, host=host)).start()

        def ask():
            with contextlib.suppress(OSError), socket.create_connection((to, machine.port), 2) as client:
                client.sendall(b"GET / HTTP/1.0\r\n\r\n")
                return client.makefile("rb").read()
            return b""
        wait_until(lambda: b'"base"' in ask(), machine.tail)
        wait_until(lambda: machine.name in self.agent.status(), machine.tail)
        self.publish("new", directory=self.release("new", family=family, host=host))
        self.assertIn(b'"new"', ask(), machine.tail(40))

    def test_both_families_on_one_socket(self):
        self.upgrade_at("AF_INET6", "::")

    def test_ipv6_loopback(self):
        self.upgrade_at("AF_INET6", "::1", to="::1")

    def test_ipv4_loopback(self):
        self.upgrade_at("AF_INET", "127.0.0.1")

    def test_another_address_family_is_refused_with_a_sentence(self):
        machine = self.started(base_dir=self.release("base", family="AF_INET6", host="::"))
        with self.clients(machine) as seen:
            done = self.hot("v4", directory=self.release("v4", family="AF_INET", host="0.0.0.0"))
        self.assertEqual(done.returncode, 1, done.stdout)
        error = self.store.wait_for_result("m1", "v4", "failed")["error"]
        self.assertIn(f"listen on 0.0.0.0:{machine.port}, and the code that serves on [::]:{machine.port}", error)
        self.assertEqual({version for _, version in seen}, {"base"})

    def test_an_app_that_tries_its_port_first(self):
        machine = self.started(base_dir=self.release("base", before=TESTS_ITS_PORT))
        with self.clients(machine) as seen:
            self.publish("v1", directory=self.release("v1", before=TESTS_ITS_PORT))
        self.assertEqual(seen[-1][1], "v1")

    def test_an_app_that_accepts_only_those_who_have_spoken(self):
        defers = "server.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_DEFER_ACCEPT, 30)"
        machine = self.started(base_dir=self.release("base", after=defers))
        with self.clients(machine) as seen:
            self.publish("v1", directory=self.release("v1", after=defers))
        self.assertEqual(seen[-1][1], "v1")

    def test_two_sockets_of_one_generation_are_in_each_others_way(self):
        machine = self.started(base_dir=self.release("base", after=BINDS_TWICE))
        wait_until(lambda: "the second bind: Address already in use" in machine.log(), machine.tail)

    def upgrade_behind(self, *command):
        machine = self.started(command=command)
        with self.clients(machine) as seen:
            self.publish("new")
            wait_until(lambda: "app.ended generation=1" in machine.log(), machine.tail)
        self.assertEqual(seen[-1][1], "new")

    def test_behind_a_shell(self):
        self.upgrade_behind("sh", "-c", "./server.py; true")

    def test_behind_bash(self):
        self.upgrade_behind("bash", "-c", "./server.py; true")

    def test_behind_node(self):
        self.upgrade_behind("node", "-e", "require('child_process').spawn('./server.py', {stdio: 'inherit'})")

    def test_only_the_named_ports_are_adopted(self):
        machine = self.started(options={"--port": "1"})
        self.assertNotIn("sockets.adopted", machine.log())
        done = self.hot("v1")
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertEqual(machine.version(), "base")

    @unittest.skipIf(os.geteuid() != 0, "needs root to give root up")
    def test_without_privileges(self):
        nobody = ("setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "--no-new-privs")
        self.root.chmod(0o755)
        machine = self.machine(wrapper=nobody)
        for directory in (machine.root, self.store.directory):
            os.chown(directory, 65534, 65534)
        machine.start()
        machine.wait_for_version("base")
        agent = self.agent
        wait_until(lambda: "app.started" in machine.log() and machine.status(), machine.tail)
        with self.clients(machine) as seen:
            done = subprocess.run([*nobody, *agent.hot(self.release("v1"), "v1", "--timeout", "60s", "--force")],
                                  env=agent.environment(), capture_output=True, text=True, check=False, timeout=90)
            self.assertEqual(done.returncode, 0, f"{done.stdout}{done.stderr}{machine.tail(40)}")
        self.assertEqual(seen[-1][1], "v1")


if __name__ == "__main__":
    unittest.main()
