"""Who may publish what to whom: two agents at once, and machines of different images."""

import subprocess
import unittest

from case import FleetCase
from fleet import wait_until


def starts_slowly(release):
    """Makes `release` take two seconds until it is ready, so that its publication lasts."""
    code = release / "release.py"
    code.write_text("import time\n\ntime.sleep(2)\n" + code.read_text())
    return release


class TwoAgents(FleetCase):
    def test_one_wins_and_the_other_is_told_by_whom(self):
        machine = self.started()
        first = starts_slowly(self.release("first"))

        winner = subprocess.Popen(self.agent.hot(first, "first", "--timeout", "60s"), text=True,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=self.agent.environment())
        with winner:
            held = wait_until(self.store.lock, "the lock")
            loser = self.hot("second")
            output, _ = winner.communicate(timeout=60)

        self.assertEqual(loser.returncode, 75, loser.stdout + loser.stderr)
        self.assertIn(held["locked_by"], loser.stderr)
        self.assertEqual(winner.returncode, 0, output)
        self.assertEqual(machine.version(), "first")
        self.assertIsNone(self.store.lock(), "the lock is released")
        self.publish("second")

    def test_an_interrupted_agent_releases_its_lock(self):
        self.started()
        slow = starts_slowly(self.release("slow"))
        with subprocess.Popen(self.agent.hot(slow, "slow"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                              env=self.agent.environment()) as agent:
            wait_until(self.store.lock, "the lock")
            agent.terminate()
            agent.wait(20)
        self.assertIsNone(self.store.lock())


class ColdDeploy(FleetCase):
    def test_an_old_image_that_restarts_neither_applies_nor_touches_what_is_published_for_the_new_one(self):
        new = self.started("m-new", image="registry.fly.io/counter:deployment-01NEW")
        self.publish("r1")
        pointer = self.store.pointer_path.read_bytes()

        old = self.started("m-old", image="registry.fly.io/counter:deployment-01OLD")
        old.wait_for_polls()
        self.assertEqual(old.version(), "base")
        self.assertEqual(self.store.results("m-old"), [])
        self.assertEqual(self.store.pointer_path.read_bytes(), pointer)

        self.assertEqual(old.stop(), 0)
        old.start()
        old.wait_for_version("base")
        self.assertEqual(self.store.pointer_path.read_bytes(), pointer)
        self.assertEqual(new.version(), "r1")


if __name__ == "__main__":
    unittest.main()
