"""What the app writes: it goes on as it was written, and a failed result holds the end of it."""

import contextlib
import json
import os
import pty
import re
import subprocess
import unittest

from case import ANSWERS, FleetCase
from fleet import wait_until

# Writes numbered lines to standard output until it is asked to end, and then their number into a file.
TALKER = """#!/usr/bin/python3
import http.server, os, pathlib, signal, socket, threading, time
from answers import JsonHandler

class Handler(JsonHandler):
    def do_GET(self):
        self.answer({"version": VERSION, "written": written, "terminal": os.isatty(1)})

server = http.server.ThreadingHTTPServer(("", 0), Handler, bind_and_activate=False)
server.socket.close()
server.socket = socket.socket(fileno=3)
written, ending = 0, threading.Event()

def talk():
    global written
    while not ending.is_set():
        os.write(1, f"{VERSION} {written + 1} {FILL}\\n".encode())
        written += 1
        time.sleep(PAUSE)

def end(*_):
    ending.set()
    threading.Thread(target=server.shutdown).start()

signal.signal(signal.SIGTERM, end)
talker = threading.Thread(target=talk, daemon=True)
talker.start()
server.serve_forever(0.05)
talker.join()
pathlib.Path(os.environ["COUNTS"], VERSION).write_text(str(written))
"""
FAILS = """#!/bin/sh
for i in $(seq 60); do echo "line $i"; done
echo "token fm2_0123456789abcdef" >&2
printf '\\033[31mno such database' >&2
%s
"""


class OutputCase(FleetCase):
    def talker(self, version, fill="", pause=0.001):
        settings = f"\nVERSION, FILL, PAUSE = {version!r}, {fill!r}, {pause!r}\n"
        return self.release(version, answers=ANSWERS, server=TALKER.replace("\n", settings, 1))

    def separate(self, out, *options):
        """A wrapper that gives the sidecar a standard output of its own."""
        return ["sh", "-c", 'exec "$@" >"$0"', str(out), *options]

    @property
    def counts(self):
        directory = self.root / "counts"
        directory.mkdir(exist_ok=True)
        return directory

    def wait_until_it_stands_still(self):
        machine, counts = self.machines["m1"], []

        def stands():
            counts.append(machine.get()["written"])
            return len(counts) > 50 and counts[-1] == counts[-50]
        wait_until(stands, machine.tail)
        return counts[-1]


class FailedResults(OutputCase):
    def fail(self, version, end):
        """The result of a release that ends so, what `midair hot` said, and the machine."""
        machine = self.started()
        done = self.hot(version, directory=self.release(version, server=FAILS % end))
        self.assertEqual(1, done.returncode, done.stdout + done.stderr)
        return self.store.wait_for_result("m1", version, "failed", 60), done.stdout, machine

    def test_a_release_that_fails_tells_what_it_wrote_and_its_status(self):
        result, told, machine = self.fail("bad", "exit 3")
        self.assertEqual(40, len(result["output"]), result)
        self.assertEqual(["line 60", "token fm2_***", "?[31mno such database"], result["output"][-3:])
        self.assertEqual((3, "staged"), (result["exit_status"], result["step"]))
        self.assertNotIn("signal", result)
        self.assertIn("in step 'staged' its process exited with status 3; it wrote:\n", told)
        self.assertRegex(told, r"\| \.\.\. \(all 40 lines: midair status m1\)\n +\| line 53\n")
        self.assertIn("| ?[31mno such database\n", told)

        status = self.agent.command("status", "m1")
        text = subprocess.run(status, capture_output=True, text=True, check=True, env=self.agent.environment()).stdout
        self.assertEqual(40, len(re.findall(r"^ +\| ", text, re.MULTILINE)), text)
        document = subprocess.run([*status, "--json"], capture_output=True, check=True, env=self.agent.environment())
        self.assertEqual(result["output"], json.loads(document.stdout)["machines"][0]["result"]["output"])
        self.assertIn("token fm2_0123456789abcdef", machine.log(), "what goes on is what was written")

    def test_a_release_that_is_killed_tells_the_signal(self):
        result, told, _ = self.fail("killed", "kill -SEGV $$")
        self.assertEqual("SEGV", result["signal"])
        self.assertNotIn("exit_status", result)
        self.assertIn("was killed by SEGV; it wrote:", told)

    def test_a_release_that_hangs_tells_what_it_wrote(self):
        self.started(options={"--ready-timeout": "1s"})
        self.hot("hangs", directory=self.release("hangs", server=FAILS % "exec sleep 1000"))
        result = self.store.wait_for_result("m1", "hangs", "failed", 60)
        self.assertEqual("?[31mno such database", result["output"][-1])
        self.assertFalse({"signal", "exit_status"} & set(result))

    def test_of_a_reader_that_stands_still_the_last_words_are_known(self):
        fifo = self.root / "fifo"
        os.mkfifo(fifo)
        reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
        self.addCleanup(os.close, reader)
        self.started(wrapper=self.separate(fifo), base_dir=self.talker("base", "x" * 1000, 0),
                     env={"COUNTS": str(self.counts)})
        self.wait_until_it_stands_still()
        self.hot("bad", directory=self.release("bad", server=FAILS % "exit 3"))
        result = self.store.wait_for_result("m1", "bad", "failed", 60)
        self.assertIn("line 60", result["output"])


class Relayed(OutputCase):
    def assert_complete(self, lines, version):
        """All that a generation says it wrote is there, in its order."""
        count = int((self.counts / version).read_text())
        self.assertGreater(count, 0)
        numbers = [int(line.split()[1]) for line in lines if line.startswith(f"{version} ")]
        self.assertEqual(list(range(1, count + 1)), numbers)

    def test_while_generations_drain_every_line_of_each_arrives(self):
        out = self.root / "out"
        machine = self.started(wrapper=self.separate(out), base_dir=self.talker("base"),
                               env={"COUNTS": str(self.counts)})
        for version in ("v2", "v3"):
            self.publish(version, directory=self.talker(version))
        self.assertEqual(0, machine.stop())
        lines = out.read_text().splitlines()
        self.assertEqual([], [line for line in lines if not re.fullmatch(r"(base|v2|v3) \d+ ?", line)])
        for version in ("base", "v2", "v3"):
            self.assert_complete(lines, version)

    def test_who_writes_waits_for_the_reader_and_nothing_is_lost(self):
        fifo = self.root / "fifo"
        os.mkfifo(fifo)
        reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
        self.addCleanup(os.close, reader)
        machine = self.started(wrapper=self.separate(fifo), base_dir=self.talker("base", "x" * 1000, 0),
                               env={"COUNTS": str(self.counts)})
        written = self.wait_until_it_stands_still()
        self.assertLess(written, 300, "lines of 1 KiB: two pipes and a buffer, of 64 KiB each")
        self.assertIsNotNone(machine.status(), "the sidecar answers")

        read, ended = b"", False
        machine.process.terminate()
        while not ended:
            ended = machine.process.poll() is not None
            with contextlib.suppress(BlockingIOError):
                while chunk := os.read(reader, 65536):
                    read += chunk
        self.assertEqual(0, machine.process.returncode)
        self.assert_complete(read.decode().splitlines(), "base")

    def test_a_terminal_is_the_apps_own_and_a_file_is_not(self):
        machine = self.started(base_dir=self.talker("base"), env={"COUNTS": str(self.counts)})
        self.assertFalse(machine.get()["terminal"])
        ours, theirs = pty.openpty()
        self.addCleanup(os.close, ours)
        second = self.machine("m2", wrapper=self.separate(os.ttyname(theirs)), base_dir=self.talker("base"),
                              env={"COUNTS": str(self.counts)}).start()
        os.close(theirs)
        wait_until(second.get, second.tail)
        self.assertTrue(second.get()["terminal"])
        self.assertIn(b"base 1 ", os.read(ours, 4096))

    def test_lines_are_labelled_and_the_log_is_json(self):
        out = self.root / "out"
        machine = self.started(wrapper=self.separate(out), base_dir=self.talker("base"),
                               env={"COUNTS": str(self.counts)}, options={"--label-output": "", "--log-format": "json"})
        self.publish("v2", directory=self.talker("v2"))
        self.assertEqual(0, machine.stop())
        lines = out.read_text().splitlines()
        self.assertEqual({"[base #1] base", "[v2 #2] v2"}, {line.rsplit(" ", 2)[0] for line in lines})
        for version, label in (("base", "[base #1] "), ("v2", "[v2 #2] ")):
            self.assert_complete([line.removeprefix(label) for line in lines], version)
        events = [json.loads(line) for line in machine.log().splitlines() if not line.startswith("[")]
        self.assertIn("release.committed", {event["event"] for event in events})
        self.assertTrue(all({"time", "level", "event"} <= set(event) for event in events))

    def test_the_last_words_of_the_app_arrive_before_the_sidecar_ends(self):
        directory = self.root / "short"
        directory.mkdir()
        out, words = self.root / "out", "x" * 99
        (directory / "server.py").write_text(f"#!/bin/sh\nyes {words} | head -n 1000\nkill -KILL $$\n")
        (directory / "server.py").chmod(0o755)
        machine = self.machine(wrapper=self.separate(out), base_dir=directory).start()
        self.assertEqual(137, machine.process.wait(30))
        self.assertEqual([words] * 1000, out.read_text().splitlines())


if __name__ == "__main__":
    unittest.main()
