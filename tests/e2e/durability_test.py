"""Every rename in state directory and store survives a power cut: its content was flushed before, its directory after.

The system calls of whole upgrades are recorded, as no test can pull a plug."""

import subprocess
import unittest

from case import FleetCase
from durability import record, violations
from fleet import wait_until


class Durability(FleetCase):
    def setUp(self):
        super().setUp()
        self.traces = []

    def recorder(self, name, *options):
        self.traces.append(self.root / f"{name}.strace")
        return record(self.traces[-1], *options)

    def hot_recorded(self, version):
        command = self.recorder(f"hot-{version}") + self.agent.hot(self.release(version), version, "--timeout", "60s")
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120,
                              env=self.agent.environment(), cwd=self.root)

    def assert_durable(self, directory, expected):
        renamed, breaches = [], []
        for trace in self.traces:
            its_renamed, its_breaches = violations(trace, directory)
            renamed += its_renamed
            breaches += its_breaches
        self.assertEqual(breaches, [])
        seen = {path.removeprefix(f"{directory}/") for path in renamed}
        self.assertEqual(expected - seen, set(), seen)

    def test_each_rename_of_two_upgrades_and_a_roll_back(self):
        m1 = self.started(wrapper=self.recorder("m1", "-D"))  # -D: the sidecar keeps its pid, so that it can be stopped
        for version in ("r1", "r2"):
            done = self.hot_recorded(version)
            self.assertEqual(done.returncode, 0, f"{done.stdout}\n{done.stderr}\n{m1.tail()}")
        self.broken_release("r3")
        self.assertNotEqual(self.hot_recorded("r3").returncode, 0)
        self.store.wait_for_result("m1", "r3", "rolled_back")
        ids = [path.name for path in (self.store.releases / "counter-results").iterdir()]
        sealed = [path.name for path in (m1.state_dir / "releases").iterdir()]
        self.assertEqual(m1.stop(), 0, m1.tail())
        wait_until(lambda: not m1.processes(), "the recorder to end")

        records = {f"counter-results/{upgrade_id}/m1.json" for upgrade_id in ids}
        published = {f"counter-{version}.tar.gz" for version in ("r1", "r2", "r3")}
        self.assert_durable(self.store.releases, {"counter-current.json", "counter-deploy.lock",
                                                  "counter-machines/m1.json", *records, *published})
        self.assert_durable(m1.state_dir, {"marker.json", "journal.json", "attempts.json", "current",
                                           *(f"releases/{digest}" for digest in sealed)})


if __name__ == "__main__":
    unittest.main()
