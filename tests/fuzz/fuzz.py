#!/usr/bin/python3
"""Runs fuzzers: replays their seeds, then looks for new inputs for some seconds.

One line per fuzzer: executions, corpus, coverage (edges), and by how much the run made them grow. What it learned stays in
BUILD/corpus for the next run. A finding ends the run of its fuzzer, and this with status 1, after saying where the input
lies and how to replay it.
"""

import argparse
import concurrent.futures
import os
import pathlib
import re
import subprocess
import sys

import tarball_seeds

HERE = pathlib.Path(__file__).resolve().parent
MAX_BYTES = 20_000
LIMITS = ("-timeout=20", "-rss_limit_mb=2048", f"-max_len={MAX_BYTES}")
MEMORY = pathlib.Path("/dev/shm")  # what is fsynced in vain is fsynced there


class Fuzzer:
    """One of them, with its corpora: the seeds, and what earlier runs learned."""

    def __init__(self, build, name):
        self.name = name
        self.program = build / "bin" / f"fuzz-{name}"
        self.made = name in tarball_seeds.SEED_OF
        self.seeds = (build / "seeds" if self.made else HERE / "corpus") / name
        self.words = HERE / f"{name}.dict"
        self.learned = build / "corpus" / name
        self.findings = build / "findings" / f"{name}-"

    def run(self, seconds, seed):
        """(true if nothing was found, what there is to say)."""
        if self.made:
            tarball_seeds.write_seeds(self.name, self.seeds, MAX_BYTES)
        self.learned.mkdir(parents=True, exist_ok=True)
        self.findings.parent.mkdir(exist_ok=True)
        command = [self.program, *LIMITS, f"-max_total_time={seconds}", f"-seed={seed}",
                   "-print_final_stats=1", f"-artifact_prefix={self.findings}"]
        if self.words.exists():
            command.append(f"-dict={self.words}")
        command += [self.learned, self.seeds]
        environment = {**os.environ, "TMPDIR": str(MEMORY)} if MEMORY.is_dir() else None
        done = subprocess.run([*map(str, command)], capture_output=True, text=True, errors="replace", check=False,
                              env=environment)
        if done.returncode != 0:
            return False, self.describe_finding(done.stderr)
        return True, self.describe_run(done.stderr)

    def describe_run(self, output):
        runs = re.search(r"number_of_executed_units: (\d+)", output).group(1)
        states = re.findall(r"cov: (\d+) ft: \d+ corp: (\d+)/", output)
        (first_edges, first_inputs), (edges, inputs) = [tuple(map(int, states[i])) for i in (0, -1)]
        return (f"{self.name:15} {runs:>9} executions   corpus {inputs:5} (+{inputs - first_inputs})   "
                f"coverage {edges:5} (+{edges - first_edges})")

    def describe_finding(self, output):
        written = re.search(r"Test unit written to (\S+)", output)
        if not written:
            return f"{self.name}: could not run\n{output}"
        return (f"{self.name}: FOUND something\n{output}\n"
                f"{self.name}: the input is {written.group(1)}; replay it with\n"
                f"  {self.program} {written.group(1)}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=pathlib.Path, help="the fuzzers' build directory")
    parser.add_argument("names", nargs="*", metavar="NAME", help="default: all")
    parser.add_argument("--seconds", type=int, default=60, help="for each (default %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="tries the same inputs in each run; 0 (the default): others")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="side by side (default: one per processor)")
    options = parser.parse_intermixed_args()
    build = options.build.resolve()
    names = options.names or sorted(path.name.removesuffix("_fuzz.cpp") for path in HERE.glob("*_fuzz.cpp"))

    sound = True
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        runs = [pool.submit(Fuzzer(build, name).run, options.seconds, options.seed) for name in names]
        for run in concurrent.futures.as_completed(runs):
            found_nothing, words = run.result()
            sound = sound and found_nothing
            print(words, flush=True)
    return 0 if sound else 1


if __name__ == "__main__":
    sys.exit(main())
