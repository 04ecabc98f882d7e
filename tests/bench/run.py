#!/usr/bin/python3
"""Measures Midair beside its references and says so in a table and in JSON.

    run.py [--small] [--output FILE] [--ref COMMIT] [BENCH...]

Run by tests/support/s3/with-s3; `make bench` does. See README.md for what is measured.
"""

import argparse
import ctypes
import importlib
import json
import pathlib
import re
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "support"))

import beside  # noqa: E402
import figure  # noqa: E402
from fleet import Interruption, build_dir, scratch  # noqa: E402
from measure import kill_those_inside  # noqa: E402

BENCHES = ("handover", "losses", "cost", "start", "bundle", "way_back", "overtake", "idle", "output", "publish", "archive", "ship",
           "rollout", "gate", "swap", "state", "machines", "tokens")
PR_SET_CHILD_SUBREAPER = 36


def is_optimised():
    cache = (build_dir() / "CMakeCache.txt").read_text()
    return not re.search(r"^(CMAKE_BUILD_TYPE:\w+=Debug|MIDAIR_SANITIZE:\w+=(?!OFF$).+)$", cache, re.MULTILINE)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--small", action="store_true", help="small sizes, to see that it works")
    parser.add_argument("--output", type=pathlib.Path, help="default bench.json in the build, bench-ref.json with --ref")
    parser.add_argument("--ref", metavar="COMMIT", help="build this beside, and measure both in alternation")
    parser.add_argument("bench", nargs="*", choices=[*BENCHES, []], help=f"one of {', '.join(BENCHES)}; default all")
    options = parser.parse_args()
    if not is_optimised():
        sys.exit(f"{build_dir()} is not an optimised build: its figures would mean nothing")
    output = options.output or build_dir() / ("bench-ref.json" if options.ref else "bench.json")
    Interruption.install()
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)  # whatever a bench leaves behind comes to us
    benches = options.bench or BENCHES
    if options.ref:
        rows = beside.compare(options.ref, benches, options.small)
        output.write_text(json.dumps(rows, indent=1) + "\n")
        print(beside.table(rows, options.ref))
        return
    figures = []
    for name in benches:
        begin = time.monotonic()
        with scratch(f"bench-{name}") as directory:
            try:
                figures += importlib.import_module(name).run(directory, options.small)
            finally:
                kill_those_inside(directory)
        print(f"bench: {name} took {time.monotonic() - begin:.0f} s", file=sys.stderr, flush=True)
    figure.write(output, figures)
    print(figure.table(figures))


if __name__ == "__main__":
    main()
