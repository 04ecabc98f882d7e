"""The SDK's example: a server whose module is replaced while it serves, in the same process."""

import subprocess
import unittest

from fleet import build_dir, wait_until
from in_place_case import EXAMPLE, InPlaceCase


class ExampleCase(InPlaceCase):
    def example(self, version):
        return self.hot(version, directory=EXAMPLE / version)


class InPlace(ExampleCase):
    def test_new_code_takes_over_the_state_in_the_same_process(self):
        done = self.example("v2")
        self.assertEqual(0, done.returncode, f"{done.stdout}\n{done.stderr}\n{self.m1.tail(40)}")
        self.assertRegex(self.page(), r"^/page: \d+ visits, longest gap between two \d+ ms\n$")
        result = self.store.result("m1", "v2")
        self.assertEqual((1, ["hits"], 0), (result["modules_reloaded"], result["module_names"],
                                            result["processes_failed"]))
        self.assertGreater(result["suspend_duration_ms"], 0)
        self.assert_nobody_noticed()

    def test_state_that_the_new_code_refuses_costs_nothing(self):
        self.m1.request(path="/" + "long" * 20)
        done = self.example("v3")
        self.assertEqual(1, done.returncode, f"{done.stdout}\n{done.stderr}")
        self.assertIn("1 of 2 units failed", self.store.wait_for_result("m1", "v3", "failed")["error"])
        self.assert_nobody_noticed()

    def test_a_machine_that_starts_again_starts_the_new_code(self):
        self.assertEqual(0, self.example("v2").returncode, self.m1.tail(40))
        self.visitors.finish()
        self.m1.stop()
        self.m1.start()
        wait_until(self.page, self.m1.tail)
        self.assertRegex(self.page(), "longest gap")


class SickCode(ExampleCase):
    probation = "30s"  # three checks, one a second, must fail

    def test_code_that_is_not_well_is_rolled_back(self):
        before = self.visits()
        self.assertEqual(1, self.example("v3").returncode, self.m1.tail(40))
        error = self.store.wait_for_result("m1", "v3", "rolled_back")["error"]
        self.assertIn("nothing is defined", error)
        self.assertGreaterEqual(self.visits(), before)
        self.visitors.finish()
        self.assertEqual([], [failure for failure in self.visitors.failures if not failure.startswith("200 ")])
        self.assertEqual(self.pid, self.pid_that_serves())


class Conformance(unittest.TestCase):
    def test_the_example_conforms_to_the_protocol(self):
        done = subprocess.run([build_dir() / "bin/midair-sidecar", "protocol-check", "--listen", "127.0.0.1:0", "--",
                               EXAMPLE / "v1/server"], cwd=EXAMPLE / "v1", capture_output=True, text=True, timeout=250,
                              check=False)
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)


if __name__ == "__main__":
    unittest.main()
