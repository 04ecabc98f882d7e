"""The sidecar's log: nobody has to read it."""

import contextlib
import os
import unittest

from case import FleetCase
from fleet import wait_until


class Log(FleetCase):
    def full_fifo(self):
        """A fifo that takes nothing more, and a descriptor to read it with."""
        path = self.root / "fifo"
        os.mkfifo(path)
        fifo = os.open(path, os.O_RDWR | os.O_NONBLOCK)
        self.addCleanup(os.close, fifo)
        with contextlib.suppress(BlockingIOError):
            while True:
                os.write(fifo, b"x" * 4096)
        return path, fifo

    def test_a_reader_that_stands_still_stops_neither_upgrades_nor_the_end(self):
        path, fifo = self.full_fifo()
        machine = self.machine(wrapper=["sh", "-c", 'exec "$@" >"$0" 2>&1', str(path)]).start()
        machine.wait_for_version("base")
        wait_until(lambda: machine.name in self.agent.status(), "the machine to be known")
        self.publish("new")
        self.assertEqual(machine.version(), "new")

        read = b""
        while b"release.committed" not in read:  # what waited is written once there is room
            with contextlib.suppress(BlockingIOError):
                read += os.read(fifo, 65536)
        self.assertEqual(machine.stop(), 0)

    def test_a_stop_is_obeyed_while_nobody_reads(self):
        path, _ = self.full_fifo()
        machine = self.machine(wrapper=["sh", "-c", 'exec "$@" >"$0" 2>&1', str(path)]).start()
        machine.wait_for_version("base")
        self.assertEqual(machine.stop(timeout=10), 0)


if __name__ == "__main__":
    unittest.main()
