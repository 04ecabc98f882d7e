"""The machine loses power in mid-swap. After the next start it serves the old release or the new one, whole."""

import os
import signal
import subprocess
import unittest

from case import NEVER_READY, FleetCase
from fleet import wait_until


class LosesPower(FleetCase):
    def begin(self, version, directory=None):
        """Publishes without waiting for the end."""
        command = self.agent.hot(directory or self.release(version), version, "--timeout", "60s")
        agent = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                 env=self.agent.environment())
        self.resources.callback(self.end, agent)
        return agent

    @staticmethod
    def end(agent):
        agent.terminate()
        agent.wait(20)

    def state(self, machine):
        return (machine.file("journal.json") or {}).get("state")

    def survive(self, machine, agent, allowed):
        machine.kill()
        self.end(agent)
        machine.start()
        self.assertIn(wait_until(machine.version, machine.tail), allowed)
        self.publish("next")
        self.assertEqual(machine.version(), "next")
        self.assertIsNone(machine.file("journal.json"))

    def test_while_it_fetches(self):
        machine = self.started()
        self.publish("old")
        big = self.release("new")
        with open(big / "ballast.bin", "wb") as ballast, open("/dev/urandom", "rb") as noise:
            for _ in range(100):
                ballast.write(noise.read(1 << 20))
        agent = self.begin("new", big)
        wait_until(lambda: self.state(machine) == "fetching", "the fetch to begin", 30)
        self.survive(machine, agent, {"old", "new"})

    def test_once_the_candidate_was_started(self):
        machine = self.started()
        self.publish("old")
        script = NEVER_READY.replace("exec", f"touch {self.root}/started; exec")
        agent = self.begin("new", self.release("new", server=script))
        wait_until((self.root / "started").exists, "the candidate to start")
        self.survive(machine, agent, {"old"})

    def test_in_probation(self):
        machine = self.started(options={"--probation": "30s"})
        agent = self.begin("new")
        machine.wait_for_version("new")
        wait_until(lambda: self.state(machine) == "probation", "probation")
        machine.options["--probation"] = "500ms"
        self.survive(machine, agent, {"base", "new"})

    def test_a_killed_sidecar_takes_its_app_with_it(self):
        machine = self.started()
        os.kill(machine.process.pid, signal.SIGKILL)
        machine.process.wait()
        wait_until(lambda: not machine.processes(), "the app to end")


if __name__ == "__main__":
    unittest.main()
