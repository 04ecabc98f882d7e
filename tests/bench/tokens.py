"""What a cached token costs, beside a map behind a mutex."""

import json
import subprocess

from figure import Figure
from fleet import build_dir

LOOKUPS, SMALL_LOOKUPS = 50_000, 1_000


def run(_, small):
    output = subprocess.run([build_dir() / "bin/token-bench", str(SMALL_LOOKUPS if small else LOOKUPS)], check=True,
                            stdout=subprocess.PIPE, timeout=300).stdout
    costs = json.loads(output)
    figures = []
    for threads in (1, 2):
        cached, locked = costs[f"cached_{threads}"], costs[f"locked_{threads}"]
        reference = "a map behind a std::mutex"
        figures += [Figure(f"tokens.cached_{threads}_threads", cached["ns"], "ns", locked["ns"], reference, aim=("<=", 100)),
                    Figure(f"tokens.throughput_{threads}_threads", cached["per_second"] / 1e6, "M/s",
                           locked["per_second"] / 1e6, reference)]
    return figures
