"""Another commit beside this tree: builds it, and measures both in alternation with the benches of this tree."""

import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys

from figure import aligned
from fleet import ROOT, build_dir, scratch
from number import number

ROUNDS = 2
PAIRS = {"start": 30}  # benches whose rounds are pairs of one measurement each
AIMS = {  # what the ratio is to be, or what ours may have more
    "idle.cpu": ("ratio", 1.05), "idle.anonymous_memory": ("ratio", 1.05), "way_back.first_answer": ("ratio", 0.01),
    "start.first_line": ("more", 2), "start.ready": ("more", 2)}
PARTS = ("midair", "midair-plugin-hot-upgrade", "midair-sidecar", "midair-load", "release-tool", "hits-server", "hits-v1",
         "hits-v2", "hits-v3", "test-modules", "gate-bench", "swap-bench", "machines-bench", "token-bench")


def git(*arguments):
    return subprocess.run(["git", "-C", ROOT, *arguments], check=True, stdout=subprocess.PIPE).stdout


def built(ref):
    """The build directory of commit `ref`, in build-ref/; built as this tree's own, but with its load generator: what
    measures is the same for both."""
    commit = git("rev-parse", "--verify", ref + "^{commit}").decode().strip()
    directory = build_dir().parent / f"{build_dir().name}-ref" / commit[:12]
    tree, build = directory / "tree", directory / "build"
    if not tree.exists():
        tree.mkdir(parents=True)
        subprocess.run(["tar", "-x", "-C", tree], input=git("archive", commit), check=True)
    subprocess.run([tree / "scripts/bootstrap.sh", "test"], check=True, stdout=sys.stderr)  # what it needs, not we
    subprocess.run(["cmake", "-S", tree, "-B", build, "-G", "Ninja"], check=True, stdout=sys.stderr)
    subprocess.run(["cmake", "--build", build, "--target", *PARTS], check=True, stdout=sys.stderr)
    shutil.copy(build_dir() / "bin/midair-load", build / "bin/midair-load")
    return build


def measured(build, bench, small, output):
    """{(name, unit): value} of one bench with the programs of `build`."""
    pairs = {"BENCH_ROUNDS": "1"} if bench in PAIRS else {}
    command = [sys.executable, "-B", pathlib.Path(__file__).with_name("run.py"), "--output", output, bench]
    subprocess.run([*command, *(["--small"] if small else [])], env={**os.environ, **pairs, "MIDAIR_BUILD": str(build)},
                   check=True, stdout=subprocess.DEVNULL)
    return {(row["name"], row["unit"]): row["value"] for row in json.loads(output.read_text())}


def compare(ref, benches, small):
    """Rows for JSON: the medians over all rounds of what both sides have."""
    theirs = built(ref)
    rows = []
    with scratch("bench-ref") as directory:
        for bench in benches:
            rounds = [[measured(build, bench, small, directory / "figures.json") for build in (build_dir(), theirs)]
                      for _ in range(1 if small else PAIRS.get(bench, ROUNDS))]
            for name, unit in rounds[0][0]:
                value, reference = (statistics.median(side[name, unit] for side in sides) if all(
                    (name, unit) in side for side in sides) else None for sides in zip(*rounds))
                rows.append({"name": name, "unit": unit, "value": value, "ref": reference,
                             "ratio": value / reference if value is not None and reference else None})
    return rows


def aim(row):
    """What is aimed at, in words; "" where nothing is."""
    if row["name"] not in AIMS or row["ratio"] is None:
        return ""
    what, limit = AIMS[row["name"]]
    reached = row["ratio"] if what == "ratio" else row["value"] - row["ref"]
    return f"{what} <= {number(limit)}{'' if reached <= limit else ' MISSED'}"


def table(rows, ref):
    cells = [(row["name"], number(row["value"]), number(row["ref"]), number(row["ratio"]), row["unit"], aim(row))
             for row in rows]
    return aligned([("figure", "ours", ref, "ratio", "unit", "aim"), *cells], right={1, 2, 3})
