"""Power cuts at random moments, again and again: the next start serves the old release or the new one, never neither.

MIDAIR_TORTURE=N cuts the power N times (default 80), MIDAIR_SEED=S repeats a run; `make torture N=...` does more.
"""

import concurrent.futures
import contextlib
import os
import random
import subprocess
import time
import unittest

from case import FleetCase
from fleet import wait_until

CUTS = int(os.environ.get("MIDAIR_TORTURE", "80"))
SEED = int(os.environ.get("MIDAIR_SEED", "0")) or random.randrange(1, 1 << 30)
MACHINES = 4
LONGEST_SWAP = 1.2  # seconds: cuts fall anywhere from the publication to well behind the commit


class Cell(FleetCase):
    def runTest(self):
        pass

    def endure(self, number, cuts):
        dice = random.Random(f"{SEED}-{number}")
        machine = self.started(options={"--probation": "300ms", "--poll-interval": "50ms"})
        digests = {"base": ""}
        serving = "base"
        for cut in range(cuts):
            version = f"v{cut}"
            with self.publishing(version):
                time.sleep(dice.uniform(0, LONGEST_SWAP))  # the moment is the test's input, nothing is awaited
                machine.kill()
            pointer = self.store.pointer()["hot_upgrade"]
            digests[pointer["version"]] = pointer["sha256"]
            machine.start()
            answer = wait_until(machine.get, machine.tail)
            self.assertIn(answer["version"], {serving, version}, f"cut {cut}: {machine.tail(40)}")
            self.assertEqual(answer["digest"], digests[answer["version"]], machine.tail(40))
            self.settle(machine, version)
            serving = machine.version()
        self.publish("last")
        self.assertEqual(machine.version(), "last")

    @contextlib.contextmanager
    def publishing(self, version):
        """Publishes `version`; when the block ends nobody follows it any more."""
        with subprocess.Popen(self.agent.hot(self.release(version), version, "--timeout", "60s"), env=self.agent.environment(),
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as agent:
            for line in agent.stdout:
                if line.startswith("published"):
                    break
            try:
                yield
            finally:
                agent.terminate()

    def settle(self, machine, version):
        """Until this upgrade is over here, so that the next one begins from rest."""
        def over():
            status = machine.status()
            result = self.store.result(machine.name, version)
            return status and status["swap"]["state"] == "idle" and result and result["status"] != "pending"
        wait_until(over, lambda: f"{version} to be over: {machine.tail(40)}")


class Torture(unittest.TestCase):
    def test_whole_after_every_power_cut(self):
        print(f"{CUTS} power cuts, MIDAIR_SEED={SEED}", flush=True)

        def run(number):
            cell = Cell()
            cell.setUp()
            with contextlib.closing(cell.resources):
                cell.endure(number, (CUTS + MACHINES - 1) // MACHINES)

        with concurrent.futures.ThreadPoolExecutor(MACHINES) as pool:
            for done in [pool.submit(run, number) for number in range(MACHINES)]:
                done.result()


if __name__ == "__main__":
    unittest.main()
