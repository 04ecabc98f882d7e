"""The sidecar streams: what it needs does not grow with the release."""

import pathlib
import re
import unittest

from case import FleetCase

RELEASE_MIB, LIMIT_MIB = 200, 32


class Memory(FleetCase):
    def test_a_release_of_200_mib_needs_less_than_32_mib(self):
        machine = self.started()
        big = self.release("big")
        with open("/dev/urandom", "rb") as noise:
            for part in range(4):
                with open(big / f"ballast-{part}.bin", "wb") as ballast:
                    for _ in range(RELEASE_MIB // 4):
                        ballast.write(noise.read(1 << 20))
        self.publish("big", directory=big)
        self.assertEqual(machine.version(), "big")
        status = pathlib.Path(f"/proc/{machine.process.pid}/status").read_text()
        peak = int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) / 1024
        print(f"peak {peak:.1f} MiB for a release of {RELEASE_MIB} MiB")
        self.assertLess(peak, LIMIT_MIB)


if __name__ == "__main__":
    unittest.main()
