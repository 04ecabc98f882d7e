"""A newer release does not wait until the one before it has failed; a failure that will be tried again is not called final."""

import json
import subprocess
import time
import unittest

from case import NEVER_READY, FleetCase
from fleet import wait_until

SLOW = "#!/bin/sh\nsleep 2\nexec ./slow_server.py\n"


class Overtaking(FleetCase):
    def setUp(self):
        super().setUp()
        self.m1 = self.started(options={"--ready-timeout": "60s"})
        self.clients = self.load(self.m1)

    def doomed(self, version):
        return self.release(version, server=NEVER_READY)

    def slow(self, version):
        server = (self.release("base") / "server.py").read_text()
        return self.release(version, server=SLOW, slow_server=server)

    def begin(self, version, directory, *options):
        """Publishes, and returns the agent that follows once the new process was started."""
        agent = self.resources.enter_context(subprocess.Popen(
            self.agent.hot(directory, version, "--timeout", "60s", *options), stdout=subprocess.PIPE, text=True,
            env=self.agent.environment()))
        self.resources.callback(agent.terminate)
        self.wait_for_log(f"swap.staged version={version} ")
        return agent

    def wait_for_log(self, text):
        wait_until(lambda: text in self.m1.log(), self.m1.tail)

    def test_a_fix_overtakes_what_never_gets_ready(self):
        agent = self.begin("doomed", self.doomed("doomed"))
        fix = self.hot("fix", "--force")
        self.assertEqual(fix.returncode, 0, fix.stdout + fix.stderr)
        self.assertEqual(self.m1.version(), "fix")
        result = self.store.wait_for_result("m1", "doomed", "failed")
        self.assertEqual((result["error"], result["step"]), ("superseded by fix", "staged"))
        self.assertIn("superseded by fix", agent.communicate(timeout=30)[0])
        self.assertEqual(agent.returncode, 1)
        self.assert_unharmed(self.m1, self.clients)

    def test_what_was_overtaken_may_be_tried_again(self):
        """It counts as no try: the same upgrade is not refused, however often a newer one came between."""
        self.begin("slow", self.slow("slow"))
        pointer = self.store.pointer_path.read_text()
        self.hot("fix", "--force")
        self.assertEqual(self.m1.file("attempts.json"), {"attempts": [], "format": 1})
        upgrade = json.loads(pointer)["hot_upgrade"]
        again = {key: upgrade[key] for key in ("version", "sha256", "size", "tarball_url", "source_image_ref")}
        self.store.write_pointer(json.dumps(self.store.edited_pointer(**again)))
        self.m1.wait_for_version("slow", 30)
        self.store.wait_for_result("m1", "slow", "completed")

    def test_after_three_in_a_row_one_runs_to_its_end(self):
        agents = [self.begin("r1", self.doomed("r1"))]
        agents += [self.begin(version, self.doomed(version), "--force") for version in ("r2", "r3")]
        agents.append(self.begin("r4", self.slow("r4"), "--force"))
        last = self.hot("r5", "--force")
        self.assertEqual(last.returncode, 0, last.stdout + last.stderr)
        for agent in agents:
            agent.communicate(timeout=30)
        self.assertEqual([agent.returncode for agent in agents], [1, 1, 1, 0])
        log = self.m1.log()
        self.assertEqual(log.count("release.superseded"), 3)
        self.assertLess(log.index("swap.committed version=r4"), log.index("swap.fetching version=r5"))
        self.assert_unharmed(self.m1, self.clients)

    def test_going_back_to_what_serves_ends_a_doomed_swap_too(self):
        self.publish("good")
        self.begin("doomed", self.doomed("doomed"))
        back = self.hot("good", "--force")
        self.assertEqual(back.returncode, 0, back.stdout + back.stderr)
        self.store.wait_for_result("m1", "doomed", "failed")
        self.assertIsNone(self.m1.file("journal.json"))
        self.assert_unharmed(self.m1, self.clients)


class TriedAgain(FleetCase):
    def works_at_the_second_start(self, version):
        flag = self.root / "tried"
        server = (self.release("base") / "server.py").read_text()
        once = f"#!/bin/sh\nif mkdir {flag}; then echo 'no database yet' >&2; exit 3; fi\nexec ./real_server.py\n"
        return self.release(version, server=once, real_server=server)

    def test_the_agent_waits_for_the_try_that_the_machine_makes_by_itself(self):
        machine = self.started()
        done = self.hot("r1", "--json", directory=self.works_at_the_second_start("r1"))
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertEqual(machine.version(), "r1")
        results = [line for line in map(json.loads, done.stdout.splitlines()) if line["event"] == "result"]
        again = next(result for result in results if "retry_at" in result)
        self.assertEqual((again["status"], again["step"]), ("pending", "staged"))
        self.assertIn("exited with status 3", again["error"])
        self.assertEqual(results[-1]["status"], "completed")

    def test_an_agent_whose_time_is_up_says_that_the_machine_tries_again(self):
        machine = self.started()
        done = self.agent.run_hot(self.puts_off("r1", seconds=8), "r1", "--timeout", "4s")
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertRegex(done.stdout, r"m1 .* will retry +.*the database is being moved; it tries again by itself at 2")
        self.assertIn("0 of 1 machine upgraded to r1, 1 will try again", done.stdout)
        verdict = self.agent.status()["m1"]
        self.assertEqual(verdict["verdict"], "pending")
        self.assertIn("the database is being moved", verdict["why"])
        machine.wait_for_version("r1", 60)
        self.store.wait_for_result("m1", "r1", "completed")

    def puts_off(self, version, seconds):
        """A release whose hook puts it off for so long."""
        directory = self.release(version)
        (directory / "midair.json").write_text('{"hooks": "hooks.lua"}')
        (directory / "hooks.lua").write_text(
            f"function accept()\n  if midair.now() < {time.time() + seconds:.3f} then\n"
            '    return "later", "the database is being moved"\n  end\nend\n')
        return directory


if __name__ == "__main__":
    unittest.main()
