"""What the tests of swaps in place share: the SDK's example under a sidecar, and threads that visit it."""

import contextlib
import re
import shutil
import subprocess
import threading

from case import FleetCase
from fleet import Agent, FileStore, Machine, build_dir, wait_until

EXAMPLE = build_dir() / "sidecar/sdk/examples/hits/releases"
MODULES = build_dir() / "test-modules"


class Visitors:
    """Threads that visit one path after the other, from start to finish(). Where the process that held a call has given
    its state to a successor, it closes the connection: then they ask again."""

    def __init__(self, machine, number=4, paths=("/page",)):
        self.machine, self.failures, self.answered, self.sent_on = machine, [], 0, 0
        self._paths, self._ended, self._mutex = paths, threading.Event(), threading.Lock()
        self._threads = [threading.Thread(target=self._visit, args=(first,)) for first in range(number)]
        for thread in self._threads:
            thread.start()

    def _visit(self, turn):
        while not self._ended.is_set():
            path = self._paths[turn % len(self._paths)]
            turn += 1
            try:
                status, _, body = self.machine.request(path=path, timeout=60)
                failure = None if status == 200 and body.startswith(f"{path}: ".encode()) else f"{status} {body}"
            except ConnectionResetError:  # RemoteDisconnected is one
                with self._mutex:
                    self.sent_on += 1
                continue
            except OSError as error:
                failure = repr(error)
            with self._mutex:
                self.answered += failure is None
                self.failures += [failure] if failure else []

    def wait_for_more(self, number):
        """Until so many visits more were answered."""
        before = self.answered
        wait_until(lambda: self.answered >= before + number, self.machine.tail, 30)

    def finish(self):
        self._ended.set()
        for thread in self._threads:
            thread.join()
        return self.answered


class InPlaceCase(FleetCase):
    """One machine that serves the example's v1 to visitors."""

    app, probation, suspend_timeout = "hits", "500ms", "10s"

    def setUp(self):
        super().setUp()
        self.store = FileStore(self.root / "hits-store", app=self.app)
        self.m1 = self.resources.enter_context(
            Machine(self.root, "m1", self.store.address, self.base(), app=self.app, command=["./server"],
                    options={"--probation": self.probation, "--suspend-timeout": self.suspend_timeout}, **self.place()))
        self.resources.callback(self.assert_no_sanitizer_complained, self.m1)
        self.m1.start()
        wait_until(lambda: self.page() and "m1" in self.agent.status(), self.m1.tail)
        self.visitors = Visitors(self.m1)
        self.resources.callback(self.visitors.finish)
        self.pid = self.m1.status()["pid"]

    @property
    def agent(self):
        return Agent(self.store.address, app=self.app, cwd=self.root)

    def place(self):
        """Where the machine runs: settings of it."""
        return {}

    # -- releases

    def base(self):
        """What the base image has."""
        return EXAMPLE / "v1"

    def release(self, version, variant="good"):
        """The example's server with a test module, as `version`."""
        directory = self.root / f"release-{version}"
        if not directory.exists():
            (directory / "modules").mkdir(parents=True)
            shutil.copy(EXAMPLE / "v1/server", directory)
            shutil.copy(MODULES / f"hits_{variant}/hits.so", directory / "modules")
            (directory / "midair.json").write_text('{"strategy": "in-place"}')
            (directory / "notes.txt").write_text(f"This is {version}.\n")
        return directory

    def begin(self, version, variant="good"):
        """Publishes without waiting for the end."""
        agent = self.resources.enter_context(subprocess.Popen(
            self.agent.hot(self.release(version, variant), version), stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, env=self.agent.environment()))
        self.resources.callback(agent.terminate)

    def publish(self, version, variant="good"):
        """An upgrade that must succeed; returns the machine's result."""
        done = self.hot(version, directory=self.release(version, variant))
        self.assertEqual(0, done.returncode, f"{done.stdout}\n{done.stderr}\n{self.m1.tail(40)}")
        return self.store.result("m1", version)

    def wait_for_log(self, line, timeout=30):
        wait_until(lambda: line in self.m1.log(), lambda: f"'{line}' in the log; {self.m1.tail(40)}", timeout)

    def hold_a_call(self):
        """A visit that lasts until the file which is returned exists, and the thread that makes it."""
        file = self.root / "let-go"
        answers = []

        def visit():
            with contextlib.suppress(OSError):
                answers.append(self.m1.request(path=f"/until{file}", timeout=120)[2].decode())
        caller = threading.Thread(target=visit)
        caller.start()
        self.resources.callback(caller.join)
        self.resources.callback(file.touch)
        return file, caller, answers

    # -- looking at it

    def page(self, path="/page"):
        with contextlib.suppress(OSError):
            return self.m1.request(path=path, timeout=30)[2].decode()
        return None

    def visits(self):
        return int(re.match(r"/page: (\d+) visits", self.page()).group(1))

    def pid_that_serves(self):
        return self.m1.status()["pid"]

    def assert_remembered(self):
        """Every visit was answered, and is remembered."""
        answered = self.visitors.finish()
        self.assertEqual([], self.visitors.failures, self.m1.tail(40))
        self.assertGreaterEqual(self.visits(), answered)

    def assert_nobody_noticed(self):
        """The same, and the process stayed."""
        self.assert_remembered()
        self.assertEqual(0, self.visitors.sent_on)
        self.assertEqual(self.pid, self.pid_that_serves(), "the process stayed")
