"""Every step of publishing times every way to fail: the store stays consistent, and the next `midair hot` succeeds."""

import hashlib
import subprocess
import unittest

from case import FleetCase, survive_all
from fleet import build_dir, wait_until

PUBLISHED = {"publish.swapped", "publish.followed"}  # from here on the machines have the word
SHORT_LOCK = ("--lock-timeout", "1s")  # so that what a dead agent leaves locked can be taken over soon


def points():
    done = subprocess.run([build_dir() / "bin/midair", "faults"], capture_output=True, text=True, check=True, timeout=10)
    return done.stdout.split()


class Cell(FleetCase):
    def runTest(self):
        pass

    def survive(self, point, action):
        machine = self.started(options={"--probation": "200ms", "--poll-interval": "50ms"})
        self.publish("old")
        status, output = self.interrupted("new", f"{point}={action}")
        self.assertIn(f"point={point} ", output)
        self.assertEqual(status, -9 if action in ("kill", "hang") else status)
        self.assertNotEqual(status, 0, output)
        self.check_store("new" if point in PUBLISHED else "old")
        if action not in ("kill", "hang"):
            self.assertIsNone(self.store.lock(), "an orderly end gives the lock back")
        if point in PUBLISHED:
            machine.wait_for_version("new")

        done = wait_until(self.next_publication, "the dead agent's lock to expire", 30)
        self.assertEqual(done.returncode, 0, f"{done.stdout}\n{done.stderr}")
        self.assertEqual(machine.version(), "next")
        self.check_store("next")
        self.assertIsNone(self.store.lock())

    def interrupted(self, version, fault):
        """(status, output) of an agent that meets the fault; one that hangs is killed."""
        command = self.agent.hot(self.release(version), version, "--timeout", "30s", *SHORT_LOCK)
        log = self.root / "agent.log"
        with open(log, "wb") as sink:
            agent = subprocess.Popen(command, stdout=sink, stderr=sink,
                                     env={**self.agent.environment(), "MIDAIR_FAULT": fault})
        wait_until(lambda: "fault.reached" in log.read_text(), log.read_text, 30)
        if fault.endswith("=hang"):
            agent.kill()
        return agent.wait(30), log.read_text()

    def next_publication(self):
        """The finished `midair hot`, or None while it is told that the lock is still held."""
        done = self.hot("next", *SHORT_LOCK)
        return None if done.returncode == 75 else done

    def check_store(self, version):
        """The pointer is whole, names `version`, and its tarball is there with the promised bytes."""
        upgrade = self.store.pointer()["hot_upgrade"]
        self.assertEqual(upgrade["version"], version)
        tarball = self.store.tarball_path(version).read_bytes()
        self.assertEqual((len(tarball), hashlib.sha256(tarball).hexdigest()), (upgrade["size"], upgrade["sha256"]))


class PublishMatrix(unittest.TestCase):
    def test_every_step_survives_every_fault(self):
        self.assertGreaterEqual(len(points()), 6)
        survive_all(self, Cell, points())


if __name__ == "__main__":
    unittest.main()
