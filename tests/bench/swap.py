"""How long a swap in place holds callers up: of one small module, and of many units of state."""

import json
import subprocess

from figure import Figure
from fleet import build_dir

SWAPS, SMALL_SWAPS = 1000, 10
# Units, and the milliseconds that they may be suspended; FlyDeploy's best beside them (DynamicSupervisor, code_change/3).
UNITS = {10: (0.2, 7), 1_000: (1, 30), 10_000: (9, 228), 100_000: (60, 2388)}
ROUNDS = 9


def bench(*arguments):
    done = subprocess.run([build_dir() / "bin/swap-bench", *map(str, arguments)], check=True, stdout=subprocess.PIPE,
                          timeout=300)
    return json.loads(done.stdout)


def run(_, small):
    swaps = bench("swaps", SMALL_SWAPS if small else SWAPS)
    figures = [Figure("swap.pause_p50", swaps["p50"], "us", aim=("<=", 100)),
               Figure("swap.pause_p99", swaps["p99"], "us"),
               Figure("swap.pause_max", swaps["max"], "us"),
               Figure("swap.longest_call", swaps["longest_call"], "us"),
               Figure("swap.failed_calls", swaps["failed"], "calls", aim=("=", 0))]
    for units, (limit, peer) in UNITS.items():
        if small and units > 1_000:
            continue
        took = bench("units", units, 1 if small else ROUNDS)
        suspended = took["suspended"] / 1000
        rehearsed = bench("rehearsed", units, 1 if small else ROUNDS)["suspended"] / 1000
        figures += [Figure(f"swap.units_{units}_suspended", suspended, "ms", took["memcpy"] / 1000,
                           "memcpy of the same bytes into fresh memory", aim=("<=", limit)),
                    Figure(f"swap.units_{units}_beside_peer", suspended, "ms", peer,
                           "FlyDeploy 0.4.2's best, measured once on such a machine"),
                    Figure(f"swap.units_{units}_rehearsed", rehearsed, "ms", suspended, "without the rehearsal"),
                    Figure(f"swap.units_{units}_longest_call", took["longest_call"] / 1000, "ms"),
                    Figure(f"swap.units_{units}_failed_calls", took["failed"], "calls", aim=("=", 0))]
    return figures
