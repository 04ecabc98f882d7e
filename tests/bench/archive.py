"""Packing and extracting a release of many files, beside GNU tar."""

import os
import random
import shutil
import subprocess

from figure import Figure
from fleet import build_dir, scratch
from measure import MIB, run_measured

FILES, TREE_MIB, REPETITIONS = 5000, 200, 2
SMALL_FILES, SMALL_MIB = 200, 4
SUFFIXES = {"gzip": "gz", "pigz": "gz", "zstd": "zst"}


def make_tree(root, files, size):
    """`files` files of together `size` bytes, half of them noise, half of them words; a few are much larger than
    most, as in a real tree. The same at each call."""
    dice = random.Random(1)
    words = [dice.randbytes(dice.randint(2, 9)).hex().encode() for _ in range(4000)]
    weights = [dice.paretovariate(1.2) for _ in range(files)]
    for index, weight in enumerate(weights):
        directory = root / f"package-{index // 50}"
        directory.mkdir(parents=True, exist_ok=True)
        length = int(size * weight / sum(weights))
        if index % 2:
            content = dice.randbytes(length)
        else:
            content = b" ".join(dice.choices(words, k=length // 12 + 1))[:length]
        (directory / f"file-{index}").write_bytes(content)


class Contest:
    """The same work by several tools in turn, several times. The fastest run of each counts: what else the machine
    does can only add."""

    def __init__(self, home, repetitions):
        self.home, self.repetitions = home, repetitions
        self.tree = home / "tree"
        self.release_tool = build_dir() / "bin/release-tool"

    def tarball(self, tool):
        return self.home / f"{tool}.tar.{SUFFIXES.get(tool, 'gz')}"

    def pack(self):
        ways = {"midair": [self.release_tool, "pack", self.tree, self.tarball("midair")]}
        for tool in SUFFIXES:
            ways[tool] = ["tar", "-I", tool, "-C", self.tree, "-cf", self.tarball(tool), "."]
        return self.compare(ways)

    def extract(self, target, tools):
        """Until it is safe on the disk of `target`."""
        ways = {"midair": [self.release_tool, "extract", self.tarball("midair"), target]}
        for tool in tools:
            ways[tool] = ["sh", "-c", f"tar -I {tool} -C {target} -xf {self.tarball(tool)} && sync -f {target}"]
        return self.compare(ways, target)

    def compare(self, ways, target=None):
        """The cost of each way. `target` is an empty directory at each beginning."""
        costs = {tool: [] for tool in ways}
        for _ in range(self.repetitions):
            for tool, command in ways.items():
                if target:
                    shutil.rmtree(target, ignore_errors=True)
                    target.mkdir()
                    subprocess.run(["sync", "-f", target], check=True)  # nobody pays for what others wrote
                costs[tool].append(run_measured(*command))
        return {tool: min(of, key=lambda cost: cost.seconds) for tool, of in costs.items()}


def figures_of(verb, costs):
    midair, gzip = costs["midair"], costs["gzip"]
    for tool in SUFFIXES:
        yield Figure(f"archive.{verb}_seconds", midair.seconds, "s", costs[tool].seconds, f"GNU tar with {tool}")
    yield Figure(f"archive.{verb}_cpu", midair.cpu_seconds, "s", gzip.cpu_seconds, "GNU tar with gzip")
    yield Figure(f"archive.{verb}_peak", midair.peak_mib, "MiB", gzip.peak_mib, "GNU tar with gzip")


def run(directory, small):
    files, size = (SMALL_FILES, SMALL_MIB) if small else (FILES, TREE_MIB)
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # a disk would measure itself and its other users
    with scratch("bench-archive", memory) as home:
        contest = Contest(home, 1 if small else REPETITIONS)
        make_tree(contest.tree, files, size * MIB)
        pack = contest.pack()
        extract = contest.extract(contest.home / "extracted", SUFFIXES)
        to_disk = contest.extract(directory / "extracted", ["gzip"])
        sizes = {tool: contest.tarball(tool).stat().st_size / MIB for tool in ("midair", "gzip")}
    return [*figures_of("pack", pack), *figures_of("extract", extract),
            Figure("archive.extract_to_disk", to_disk["midair"].seconds, "s", to_disk["gzip"].seconds,
                   "GNU tar with gzip, then sync -f"),
            Figure("archive.size", sizes["midair"], "MiB", sizes["gzip"], "GNU tar with gzip")]
