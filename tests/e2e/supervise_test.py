"""The sidecar as a supervisor: signals, exit statuses, orphans, descriptors."""

import contextlib
import json
import os
import pathlib
import signal
import subprocess
import unittest

from case import FleetCase
from fleet import build_dir, wait_until

TELLS_SIGNALS = """#!/usr/bin/python3
import os, signal, sys
from handover import notify
told = open("{told}", "a", buffering=1)
for number in (signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2, signal.SIGINT, signal.SIGQUIT):
    signal.signal(number, lambda number, _: told.write(signal.Signals(number).name + "\\n"))
notify("READY=1")
told.write("ready\\n")
while True:
    signal.pause()
"""

LEAVES_ORPHANS = """#!/usr/bin/python3
import os, signal
from handover import notify
end, app = os.pipe()
for _ in range(5):
    if os.fork() == 0:
        if os.fork() == 0:
            os.close(app)
            os.read(end, 1)  # until the app closes its end: an orphan by then
        os._exit(0)
    os.wait()
os.close(app)
notify("READY=1")
open("{told}", "w").write("ready")
signal.pause()
"""

LISTS_DESCRIPTORS = """#!/usr/bin/python3
import json, os, signal
found = {{}}
for fd in os.listdir("/proc/self/fd"):
    try:
        found[fd] = os.readlink("/proc/self/fd/" + fd)
    except FileNotFoundError:
        pass  # the one that listed them
with open("{told}.new", "w") as told:
    json.dump({{"descriptors": found, "environment": dict(os.environ)}}, told)
os.rename("{told}.new", "{told}")
signal.pause()
"""


def zombies_of(parent):
    """Ids of the ended children that `parent` has not waited for."""
    found = []
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = stat.read_text().rpartition(")")[2].split()
            if fields[0] == "Z" and int(fields[1]) == parent:
                found.append(int(stat.parent.name))
    return found


class Supervise(FleetCase):
    def run_app(self, script, **popen):
        told = self.root / "told"
        directory = self.release("base", server=script.format(told=told))
        return self.machine(base_dir=directory).start(**popen), told

    def test_the_exit_status_is_that_of_the_app(self):
        scripts = {"exit 0": 0, "exit 7": 7, "kill -TERM $$": 143, "kill -KILL $$": 137}
        for number, (script, status) in enumerate(scripts.items()):
            with self.subTest(script):
                directory = self.release(f"exit{number}", server=f"#!/bin/sh\n{script}\n")
                machine = self.machine(f"m{number}", base_dir=directory).start()
                self.assertEqual(machine.process.wait(20), status, machine.tail())

    def test_signals_reach_the_app(self):
        machine, told = self.run_app(TELLS_SIGNALS)
        wait_until(lambda: told.exists() and "ready" in told.read_text(), machine.tail)
        names = ["SIGHUP", "SIGUSR1", "SIGUSR2"]
        for name in names:
            machine.process.send_signal(signal.Signals[name])
            wait_until(lambda name=name: name in told.read_text(), f"{name} to arrive")
        self.assertEqual(machine.stop(), 143, "the app leaves SIGTERM at its default")

    def test_orphans_are_reaped(self):
        machine, told = self.run_app(LEAVES_ORPHANS)
        wait_until(told.exists, machine.tail)
        wait_until(lambda: len(machine.processes()) == 3, "the orphans to end, only sidecar, subreaper and app to stay")
        wait_until(lambda: not zombies_of(machine.process.pid), "the orphans to be reaped")
        self.assertEqual(machine.stop(), 143)

    def test_the_app_gets_its_socket_and_no_other_descriptor(self):
        stray = os.open("/etc/hostname", os.O_RDONLY)
        self.resources.callback(os.close, stray)
        machine, told = self.run_app(LISTS_DESCRIPTORS, pass_fds=[stray])
        wait_until(told.exists, machine.tail)
        app = json.loads(told.read_text())
        self.assertEqual(set(app["descriptors"]), {"0", "1", "2", "3"}, app["descriptors"])
        self.assertTrue(app["descriptors"]["3"].startswith("socket:"))
        self.assertEqual(app["environment"]["LISTEN_FDS"], "1")
        self.assertEqual(app["environment"]["MIDAIR_DIGEST"], "")

    def test_a_second_sidecar_on_the_same_state_directory_is_refused(self):
        machine = self.started()
        second = subprocess.run([build_dir() / "bin/midair-sidecar", "run", "--app", "counter", "--store", self.address,
                                 "--state-dir", machine.state_dir, "--", "/bin/true"], check=False, capture_output=True,
                                text=True, timeout=20)
        self.assertEqual(second.returncode, 75, second.stderr)
        self.assertEqual(machine.version(), "base")


if __name__ == "__main__":
    unittest.main()
