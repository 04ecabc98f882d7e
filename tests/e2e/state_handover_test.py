"""Apps that keep their state in the process and speak the upgrade protocol: it comes over, whatever happens on the way."""

import pathlib
import re
import shutil
import unittest

from case import FleetCase
from fleet import ROOT

SDK = ROOT / "sidecar/sdk"


class StateHandover:
    """What each reference client must hold to; subclasses say which."""

    def setUp(self):
        super().setUp()
        self.m1 = self.started(command=[self.command], options={"--ready-http": "/"})
        self.clients = self.load(self.m1, "--connections", "10", "--think", "10ms", "--streams", "0")
        self.clients.wait_for_requests(50)

    def release(self, version, layout="v1", edit=None):
        """A release of the example that calls itself `version`; `edit` (pattern, replacement) breaks it."""
        directory = self.root / f"release-{version}"
        if not directory.exists():
            directory.mkdir()
            for name in (self.client, f"example/{self.command}", f"example/{layout}/{self.release_file}"):
                shutil.copy(SDK / self.language / name, directory)
            path = directory / self.release_file
            source = re.sub("(VERSION = |version: )['\"]v.['\"]", rf'\1"{version}"', path.read_text())
            path.write_text(re.sub(*edit, source, count=1) if edit else source)
        return directory

    def refused(self, version, status, **release):
        done = self.hot(version, directory=self.release(version, **release))
        self.assertEqual(done.returncode, 1, f"{done.stdout}\n{done.stderr}\n{self.m1.tail()}")
        return self.store.wait_for_result("m1", version, status)["error"]

    def test_the_count_comes_over_into_a_changed_layout_and_back(self):
        self.publish("second")
        self.publish("third", directory=self.release("third", layout="v2"))
        self.assertEqual(self.m1.version(), "third")
        self.assertGreater(self.store.result("m1", "third")["suspend_duration_ms"], 0)
        self.assert_unharmed(self.m1, self.clients)
        self.assertEqual(list(pathlib.Path("/dev/shm").glob(f"midair-state-*-{self.m1.process.pid}-*")), [])

    def test_code_that_fails_to_import_leaves_the_old_with_its_state(self):
        error = self.refused("broken", "failed", edit=self.failing_import)
        self.assertIn("a bug in load", error)
        self.assertEqual(self.m1.version(), "base")
        self.assert_unharmed(self.m1, self.clients)

    def test_code_that_does_not_know_the_schema_suspends_nobody(self):
        self.publish("v2", directory=self.release("v2", layout="v2"))
        error = self.refused("older", "failed", layout="v1")
        self.assertIn("does not import 'counter/2'", error)
        self.assertNotIn("swap.prepared version=older", self.m1.log())
        self.assert_unharmed(self.m1, self.clients)

    def test_a_hook_migrates_what_the_code_does_not_import(self):
        self.publish("v2", directory=self.release("v2", layout="v2"))
        older = self.release("older", layout="v1")
        shutil.copy(ROOT / "scripts/hooks/migrate_json.lua", older)
        (older / "midair.json").write_text('{"hooks": "migrate_json.lua"}')
        self.publish("older", directory=older)
        self.assertEqual(self.m1.version(), "older")
        self.assert_unharmed(self.m1, self.clients)

    def test_a_hook_that_cannot_migrate_costs_no_state(self):
        self.publish("v2", directory=self.release("v2", layout="v2"))
        older = self.release("older", layout="v1")
        (older / "midair.json").write_text('{"hooks": "hooks.lua"}')
        (older / "hooks.lua").write_text("function migrate(state) return nil end")
        self.assertIn("neither a table nor a string", self.refused("older", "failed"))
        self.assertEqual(self.m1.version(), "v2")
        self.assert_unharmed(self.m1, self.clients)

    def test_a_roll_back_in_probation_keeps_what_was_counted_before(self):
        error = self.refused("crashing", "rolled_back", edit=self.crash_soon)
        self.assertIn("3", error)
        self.assertEqual(self.m1.version(), "base")
        summary = self.clients.finish()
        counted = self.m1.get()["count"]
        self.assertLessEqual(summary["posts"] - counted, 100, "only what the crashed code counted is lost")
        self.assertGreater(counted, 0)


class PythonStateHandover(StateHandover, FleetCase):
    language, client, command, release_file = "python", "midair_app.py", "./server.py", "release.py"
    failing_import = (r"def load\(.*\):", 'def load(*_):\n    raise RuntimeError("a bug in load")')
    crash_soon = (r"(?s)$", "\nimport os, threading\n\n\ndef add(state, number):\n    os._exit(3)\n")


class NodeStateHandover(StateHandover, FleetCase):
    language, client, command, release_file = "node", "midair-app.js", "./server.js", "release.js"
    failing_import = (r"load: \(.*\) => \{", "load: () => {\n    throw new Error('a bug in load');")
    crash_soon = (r"add: \(.*", "add: () => process.exit(3),")


if __name__ == "__main__":
    unittest.main()
