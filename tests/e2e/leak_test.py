"""A hundred upgrades leave no descriptor, thread or memory behind."""

import os
import pathlib
import unittest

from case import FleetCase
from fleet import wait_until

WARM_UP, UPGRADES = 10, 100
ALLOWED_GROWTH_KB = 1024  # of the allocator's own making; a leak of one release's manifest per upgrade would exceed it


def usage(pid):
    """(descriptors, threads, anonymous KiB) of a process."""
    fields = dict(line.split(":", 1) for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines())
    return len(os.listdir(f"/proc/{pid}/fd")), int(fields["Threads"]), int(fields["RssAnon"].split()[0])


class Leaks(FleetCase):
    def usage_at_rest(self, machine):
        """Once no old process drains, or has ended unnoticed."""
        def alone():
            generation = machine.status()["generation"]
            log = machine.log()
            return all(f"app.ended generation={number} " in log for number in range(1, generation))
        wait_until(alone, machine.tail)
        return usage(machine.process.pid)

    def test_after_a_hundred_upgrades_the_sidecar_is_as_small_as_before(self):
        machine = self.started(options={"--probation": "50ms", "--poll-interval": "20ms"})
        releases = [self.release("a"), self.release("b")]
        for number in range(WARM_UP):
            self.publish(f"warm{number}", directory=releases[number % 2])
        before = self.usage_at_rest(machine)
        for number in range(UPGRADES):
            self.publish(f"v{number}", directory=releases[number % 2])
        after = self.usage_at_rest(machine)
        print(f"descriptors, threads, anonymous KiB: {before} -> {after}", flush=True)
        self.assertEqual(after[:2], before[:2])
        self.assertLess(after[2] - before[2], ALLOWED_GROWTH_KB)
        self.assertLessEqual(len(list((machine.state_dir / "releases").iterdir())), 2)


if __name__ == "__main__":
    unittest.main()
