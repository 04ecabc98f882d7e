"""An app below a wrapper, in sessions of its own, daemonized: a generation is known by descent. It is heard, upgraded
and ended as a whole, also when its sidecar is killed."""

import contextlib
import os
import pathlib
import signal
import socket
import subprocess
import unittest

from case import ANSWERS, FleetCase, side_by_side
from fleet import processes_of, wait_until

SERVER = """#!/usr/bin/python3
import http.server, os, signal, socket, threading
from answers import JsonHandler

class Handler(JsonHandler):
    def do_GET(self):
        self.answer({{"version": "{version}"}})

server = http.server.ThreadingHTTPServer(("", 0), Handler, bind_and_activate=False)
server.socket.close()
server.socket = socket.socket(fileno=3)
signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
if {ready}:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
        channel.connect(os.environ["NOTIFY_SOCKET"])
        channel.send(b"READY=1")
server.serve_forever(0.05)
"""

# What starts `{server}`: a program, its options and the server's arguments, all on a shell's line.
DAEMON = 'env -i NOTIFY_SOCKET="$NOTIFY_SOCKET" setsid -f setsid -f {server}; '
WRAPPERS = {
    "dumb-init": "exec dumb-init {server}",
    "dumb-init without a session": "exec dumb-init --single-child {server}",
    "tini": "exec tini -- {server}",
    "setsid": "exec setsid -w {server}",
    "su": 'exec su root -c "{server}"',
    "a shell": "sh -c '{server} & wait'",
    "a daemon of emptied environment": DAEMON + "exec sleep 1000",
}


class Wrapped(FleetCase):
    ready_timeout = "4s"

    def release(self, version, wrapper=None, ready=True, **files):
        """One that is started by `wrapper`; its server carries `self.tag(version)` among its arguments."""
        server = f"./server.py {self.tag(version)}"
        return super().release(version, answers=ANSWERS, server=SERVER.format(version=version, ready=ready),
                               start="#!/bin/sh\n" + (wrapper or self.wrapper).format(server=server) + "\n", **files)

    def tag(self, version):
        return f"{self.root.name}-{version}-"

    def alive(self, version):
        """Processes with the tag of that version among their arguments, whatever else they have left behind."""
        found = []
        for entry in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
            with contextlib.suppress(OSError):
                if self.tag(version).encode() in entry.read_bytes():
                    found.append(int(entry.parent.name))
        return found

    def serving(self, wrapper, **options):
        self.wrapper = wrapper
        self.resources.callback(self.end_all)
        return self.started(command=("./start.py",), options={"--ready-timeout": self.ready_timeout, **options})

    def end_all(self):
        for version in ("base", "new", "bad"):
            for pid in self.alive(version):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)

    def await_nobody(self, version, machine):
        wait_until(lambda: not self.alive(version), lambda: f"{self.alive(version)} of {version}: {machine.tail()}")

    def survive(self, name):
        machine = self.serving(WRAPPERS[name])
        self.publish("new")
        self.assertEqual(machine.version(), "new")
        self.await_nobody("base", machine)

        self.assertNotEqual(self.hot("bad", directory=self.release("bad", ready=False)).returncode, 0)
        wait_until(lambda: machine.log().count("release.failed") >= 2, machine.tail, 30)  # it gets a second try
        self.await_nobody("bad", machine)
        self.assertEqual({machine.version() for _ in range(20)}, {"new"})

        os.kill(machine.process.pid, signal.SIGKILL)
        machine.process.wait()
        self.await_nobody("new", machine)
        machine.start()
        machine.wait_for_version("new")


class Wrappers(FleetCase):
    def test_it_is_heard_upgraded_and_ended_as_a_whole(self):
        names = [name for name in WRAPPERS if name != "su" or os.geteuid() == 0]
        side_by_side(self, Wrapped, Wrapped.survive, [(name,) for name in names])


class Strays(Wrapped):
    def test_what_is_left_by_a_killed_sidecar_and_subreaper_ends_at_the_next_start(self):
        machine = self.serving("setsid -f {server}; exec sleep 1000")
        subreapers = [pid for pid in processes_of(machine.root) if self.is_subreaper(pid)]
        self.assertEqual(len(subreapers), 1)
        for pid in (machine.process.pid, *subreapers):
            os.kill(pid, signal.SIGSTOP)  # neither may see the other go
        for pid in (*subreapers, machine.process.pid):
            os.kill(pid, signal.SIGKILL)
        machine.process.wait()
        left = self.alive("base")
        self.assertEqual(len(left), 1, "the daemon is what this is about")
        machine.start()
        wait_until(lambda: not set(left) & set(self.alive("base")), machine.tail)
        machine.wait_for_version("base")

    @staticmethod
    def is_subreaper(pid):
        with contextlib.suppress(OSError):
            return pathlib.Path(f"/proc/{pid}/comm").read_text() == "midair-subreap\n"

    def test_an_app_that_puts_itself_into_the_background_is_told_to_stay(self):
        machine = self.serving("exec {server}")
        done = self.hot("bad", directory=self.release("bad", DAEMON + "exit 0"))
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("left processes behind: run it in the foreground", done.stdout + done.stderr)
        self.await_nobody("bad", machine)
        self.assertEqual(machine.version(), "base")

    def test_a_stranger_that_says_it_is_ready_is_named(self):
        machine = self.serving("exec {server}")
        release = self.release("bad", ready=False)
        with contextlib.ExitStack() as watching:
            channel = watching.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM))
            agent = watching.enter_context(self.hot_in_background(release))
            for generation in (2, 3):  # the release is tried twice, and the last error told
                notify = machine.state_dir / f"notify-{generation}.sock"
                wait_until(notify.exists, machine.tail)
                channel.sendto(b"READY=1", str(notify))
            output = agent.communicate(timeout=60)[0]
        self.assertIn(f"READY=1 came from process {os.getpid()} (python3), which is not of this generation", output)
        self.assertRegex(machine.log(), rf'notify.refused process="{os.getpid()} \(python3\)"')

    def hot_in_background(self, release):
        command = self.agent.hot(release, "bad", "--timeout", "60s")
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                env=self.agent.environment(), cwd=self.root)


if __name__ == "__main__":
    unittest.main()
