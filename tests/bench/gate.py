"""What a call through the gate costs, beside the same call without it and under a lock."""

import json
import subprocess

from figure import Figure
from fleet import build_dir

CALLS, SMALL_CALLS = 5_000_000, 10_000


def run(_, small):
    output = subprocess.run([build_dir() / "bin/gate-bench", str(SMALL_CALLS if small else CALLS)], check=True,
                            stdout=subprocess.PIPE, timeout=300).stdout
    ns = json.loads(output)
    figures = []
    for threads in (1, 2):
        plain, gated, locked = (ns[f"{way}_{threads}"] for way in ("plain", "gated", "locked"))
        figures += [Figure(f"gate.call_{threads}_threads", gated, "ns", plain, "the same function pointer, called plainly"),
                    Figure(f"gate.more_{threads}_threads", gated - plain, "ns", locked - plain,
                           "std::shared_mutex, locked shared", aim=("<=", 3))]
    return figures
