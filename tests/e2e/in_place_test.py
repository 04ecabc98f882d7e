"""The SDK's example: a server whose module is replaced while it serves, in the same process."""

import contextlib
import re
import subprocess
import threading
import unittest

from case import FleetCase
from fleet import Agent, FileStore, Machine, build_dir, wait_until

EXAMPLE = build_dir() / "sidecar/sdk/examples/hits/releases"


class Visitors:
    """Threads that visit /page one after the other, from start to finish()."""

    def __init__(self, machine, number=4):
        self.machine, self.failures, self.answered = machine, [], 0
        self._ended, self._mutex = threading.Event(), threading.Lock()
        self._threads = [threading.Thread(target=self._visit) for _ in range(number)]
        for thread in self._threads:
            thread.start()

    def _visit(self):
        while not self._ended.is_set():
            try:
                status, _, body = self.machine.request(path="/page", timeout=30)
                failure = None if status == 200 and body.startswith(b"/page: ") else f"{status} {body}"
            except OSError as error:
                failure = repr(error)
            with self._mutex:
                self.answered += failure is None
                self.failures += [failure] if failure else []

    def finish(self):
        self._ended.set()
        for thread in self._threads:
            thread.join()
        return self.answered


class InPlaceCase(FleetCase):
    app, probation = "hits", "500ms"

    def setUp(self):
        super().setUp()
        self.store = FileStore(self.root / "hits-store", app=self.app)
        self.m1 = self.resources.enter_context(
            Machine(self.root, "m1", self.store.address, EXAMPLE / "v1", app=self.app, command=["./server"],
                    options={"--probation": self.probation}))
        self.resources.callback(self.assert_no_sanitizer_complained, self.m1)
        self.m1.start()
        wait_until(lambda: self.page() and "m1" in self.agent.status(), self.m1.tail)
        self.visitors = Visitors(self.m1)
        self.resources.callback(self.visitors.finish)
        self.pid = self.m1.status()["pid"]

    @property
    def agent(self):
        return Agent(self.store.address, app=self.app, cwd=self.root)

    def page(self):
        with contextlib.suppress(OSError):
            return self.m1.request(path="/page")[2].decode()
        return None

    def visits(self):
        return int(re.match(r"/page: (\d+) visits", self.page()).group(1))

    def hot(self, version, *options):
        return self.agent.run_hot(EXAMPLE / version, version, "--timeout", "60s", *options)

    def assert_nobody_noticed(self):
        """Every visit was answered, and is remembered."""
        answered = self.visitors.finish()
        self.assertEqual([], self.visitors.failures, self.m1.tail(40))
        self.assertGreaterEqual(self.visits(), answered)
        self.assertEqual(self.pid, self.m1.status()["pid"], "the process stayed")


class InPlace(InPlaceCase):
    def test_new_code_takes_over_the_state_in_the_same_process(self):
        done = self.hot("v2")
        self.assertEqual(0, done.returncode, f"{done.stdout}\n{done.stderr}\n{self.m1.tail(40)}")
        self.assertRegex(self.page(), r"^/page: \d+ visits, longest pause \d+ s\n$")
        result = self.store.result("m1", "v2")
        self.assertEqual((1, ["hits"], 0), (result["modules_reloaded"], result["module_names"],
                                            result["processes_failed"]))
        self.assertGreater(result["suspend_duration_ms"], 0)
        self.assert_nobody_noticed()

    def test_state_that_the_new_code_refuses_costs_nothing(self):
        self.m1.request(path="/" + "long" * 20)
        done = self.hot("v3")
        self.assertEqual(1, done.returncode, f"{done.stdout}\n{done.stderr}")
        self.assertIn("1 of 2 units failed", self.store.wait_for_result("m1", "v3", "failed")["error"])
        self.assert_nobody_noticed()

    def test_a_machine_that_starts_again_starts_the_new_code(self):
        self.assertEqual(0, self.hot("v2").returncode, self.m1.tail(40))
        self.visitors.finish()
        self.m1.stop()
        self.m1.start()
        wait_until(self.page, self.m1.tail)
        self.assertRegex(self.page(), "longest pause")


class SickCode(InPlaceCase):
    probation = "30s"  # three checks, one a second, must fail

    def test_code_that_is_not_well_is_rolled_back(self):
        before = self.visits()
        self.assertEqual(1, self.hot("v3").returncode, self.m1.tail(40))
        error = self.store.wait_for_result("m1", "v3", "rolled_back")["error"]
        self.assertIn("nothing is defined", error)
        self.assertGreaterEqual(self.visits(), before)
        self.visitors.finish()
        self.assertEqual([], [failure for failure in self.visitors.failures if not failure.startswith("200 ")])
        self.assertEqual(self.pid, self.m1.status()["pid"])


class Conformance(unittest.TestCase):
    def test_the_example_conforms_to_the_protocol(self):
        done = subprocess.run([build_dir() / "bin/midair-sidecar", "protocol-check", "--listen", "127.0.0.1:0", "--",
                               EXAMPLE / "v1/server"], cwd=EXAMPLE / "v1", capture_output=True, text=True, timeout=250,
                              check=False)
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)


if __name__ == "__main__":
    unittest.main()
