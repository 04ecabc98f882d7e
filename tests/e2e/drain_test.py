"""How an old generation ends: asked by the signal that its server knows, as a whole, and within its time."""

import os
import signal
import threading
import unittest

from case import ANSWERS, FleetCase
from fleet import wait_until

# It answers /slow when somebody has written to the pipe `go`, and finishes what it has begun on one signal only.
SERVER = """#!/usr/bin/python3
import http.server, signal, socket, threading
from answers import JsonHandler
from handover import notify

class Handler(JsonHandler):
    def do_GET(self):
        if self.path == "/slow":
            open("{told}", "a").write("begun\\n")
            open("{go}").read()
        self.answer({{"version": "{version}"}})

server = http.server.ThreadingHTTPServer(("", 0), Handler, bind_and_activate=False)
server.daemon_threads = False
server.socket = socket.socket(fileno=3)

def finish(number, _):
    open("{told}", "a").write(signal.Signals(number).name + "\\n")
    threading.Thread(target=server.shutdown).start()

signal.signal(signal.{signal}, finish)
notify("READY=1")
server.serve_forever()
server.server_close()
"""

WRAPPER = "#!/bin/sh\n./server.py\ntrue\n"  # no exec: the shell stays, and dies of the signal


class Drain(FleetCase):
    stop_signal = "SIGTERM"

    def setUp(self):
        super().setUp()
        os.mkfifo(self.root / "go")

    def release(self, version, **files):
        return super().release(version, answers=ANSWERS, wrapper=WRAPPER, server=SERVER.format(
            version=version, signal=self.stop_signal, told=self.told, go=self.root / "go"), **files)

    @property
    def told(self):
        return self.root / "told"

    def heard(self, word):
        return self.told.exists() and word in self.told.read_text().split()

    def slow_request(self, machine):
        """Begins one; returns what waits for its answer."""
        answers = []

        def ask():
            try:
                answers.append(machine.request(path="/slow", timeout=30)[0])
            except OSError as error:
                answers.append(error)
        thread = threading.Thread(target=ask)
        thread.start()
        wait_until(lambda: self.heard("begun"), machine.tail)

        def answer():
            (self.root / "go").write_text("")
            thread.join()
            return answers[0]
        return answer

    def test_what_a_wrapped_server_has_begun_is_finished(self):
        machine = self.started(command=("./wrapper.py",))
        answer = self.slow_request(machine)
        done = self.publish("new")
        self.assertRegex(done.stdout, r"m1 .* upgraded; 1 old process drains, 1 connection ")
        draining = wait_until(lambda: machine.status().get("draining"), machine.tail)
        wait_until(lambda: machine.status()["draining"][0]["busy"] == 1, machine.tail)
        self.assertEqual((draining[0]["generation"], draining[0]["version"]), (1, ""))
        told = wait_until(lambda: self.agent.status()["m1"].get("draining"), machine.tail)
        self.assertEqual((told[0]["version"], len(told)), ("", 1))
        self.assertFalse(self.heard("SIGTERM"))
        self.assertEqual(answer(), 200, machine.tail(40))
        wait_until(lambda: self.heard("SIGTERM"), machine.tail)
        wait_until(lambda: "app.ended generation=1" in machine.log(), machine.tail)
        self.assertNotIn("drain_timeout", machine.log())
        self.assertNotIn("draining", machine.status())
        wait_until(lambda: "draining" not in self.agent.status()["m1"], machine.tail)

    def test_a_stop_waits_for_what_a_wrapped_server_has_begun(self):
        machine = self.started(command=("./wrapper.py",))
        answer = self.slow_request(machine)
        os.kill(machine.process.pid, signal.SIGTERM)
        wait_until(lambda: "app.leader_ended" in machine.log(), machine.tail)
        self.assertEqual(answer(), 200, machine.tail(40))
        self.assertEqual(machine.process.wait(20), 143)

    def test_what_does_not_finish_in_its_time_is_killed_whole(self):
        machine = self.started(command=("./wrapper.py",), options={"--drain-timeout": "300ms"})
        self.slow_request(machine)  # the answer never comes
        self.publish("new")
        wait_until(lambda: "app.ended generation=1" in machine.log(), machine.tail)
        self.assertIn("app.drain_timeout generation=1", machine.log())
        self.assertEqual(machine.version(), "new")


class ProposedSignal(FleetCase):
    """A kill_signal in the image's fly.toml tells by which signal its server drains, if anything does."""

    def log_of_start(self, fly_toml, **settings):
        base = self.release("base")
        (base / "fly.toml").write_text(fly_toml)
        return self.started(**settings).log()

    def test_another_than_fly_s_own_is_proposed(self):
        self.assertRegex(self.log_of_start('app = "a"\nkill_signal = "SIGQUIT"\n'),
                         r"app\.other_stop_signal .*kill_signal=SIGQUIT .*try=\"--stop-signal QUIT\"")

    def test_an_ordinary_one_is_not(self):
        self.assertNotIn("app.other_stop_signal", self.log_of_start('kill_signal = "SIGINT"\n'))

    def test_nor_what_was_chosen_already(self):
        self.assertNotIn("app.other_stop_signal", self.log_of_start('kill_signal = "SIGQUIT"\n',
                                                                    options={"--stop-signal": "QUIT"}))

    def test_a_file_that_is_no_toml_harms_nobody(self):
        self.assertIn("fly_toml.unread", self.log_of_start("kill_signal = ["))


class StopSignal(Drain):
    """The same of a server that drains on another signal, and is cut by TERM."""

    stop_signal = "SIGQUIT"

    def machine(self, name="m1", **settings):
        settings["options"] = {"--stop-signal": "QUIT", **settings.get("options", {})}
        return super().machine(name, **settings)

    def test_what_a_wrapped_server_has_begun_is_finished(self):
        machine = self.started()
        answer = self.slow_request(machine)
        self.publish("new")
        self.assertEqual(answer(), 200, machine.tail(40))
        wait_until(lambda: self.heard("SIGQUIT"), machine.tail)

    def test_a_stop_waits_for_what_a_wrapped_server_has_begun(self):
        machine = self.started()
        answer = self.slow_request(machine)
        os.kill(machine.process.pid, signal.SIGTERM)  # as Fly does, whatever the app's own signal is
        wait_until(lambda: self.heard("SIGQUIT"), machine.tail)
        self.assertEqual(answer(), 200, machine.tail(40))
        self.assertEqual(machine.process.wait(20), 0)


if __name__ == "__main__":
    unittest.main()
