#!/usr/bin/python3
"""Runs clang-tidy over the C++ files that git knows, but not again over what it found to be clean.

    tidy.py BUILD_DIR      remembers in BUILD_DIR/lint; status 1 if there is anything to say

A file is clean for as long as its preprocessed text is the same, but for lines that hold nothing but a comment (unless it
speaks to clang-tidy), and its command, every .clang-tidy and clang-tidy itself. While no file that it includes changed
at all, it isn't even preprocessed.
"""

import concurrent.futures
import functools
import hashlib
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
MUTE = re.compile(rb"^[ \t]*//(?!.*NOLINT).*\n?", re.MULTILINE)


def run(command, **options):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False, **options)


def git_files(*patterns):
    listed = subprocess.run(["git", "ls-files", "-z", *patterns], cwd=ROOT, check=True, capture_output=True, text=True)
    return sorted(ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).exists())


@functools.cache
def state_of(path):
    """What changes when the file does: the content of ours, the date of a system's header, which is large."""
    if pathlib.Path(path).is_relative_to(ROOT):
        return hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest()
    found = os.stat(path)
    return f"{found.st_mtime_ns} {found.st_size}"


def digest(*parts):
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


class Tidy:
    def __init__(self, build):
        self.directory = build / "lint"
        self.directory.mkdir(exist_ok=True)
        # clang-tidy reads g++'s command lines; this option only g++ has.
        commands = (build / "compile_commands.json").read_text().replace(" -fno-gnu-unique", "")
        (self.directory / "compile_commands.json").write_text(commands)
        self.commands = {entry["file"]: entry for entry in json.loads(commands)}
        version = run(["clang-tidy", "--version"]).stdout.decode()
        configuration = [path.read_text() for path in git_files(".clang-tidy", "**/.clang-tidy")]
        self.configuration = digest(version, *configuration)
        self.memory = self.directory / "clean.json"
        self.clean = json.loads(self.memory.read_text()) if self.memory.exists() else {}

    def inputs(self, source, included):
        """Of all that the file includes; "" where something of it is gone."""
        try:
            return digest(self.configuration, self.command(source), *map(state_of, included))
        except OSError:
            return ""

    def command(self, source):
        return self.commands[str(source)]["command"] if str(source) in self.commands else ""

    def preprocess(self, source):
        """(the hash of its text, what it includes); ("", []) where that fails, which clang-tidy can say better."""
        if not self.command(source):
            return "", []
        words = shlex.split(self.command(source))
        at = words.index("-o")
        words[at:at + 2] = ["-E", "-C", "-P", "-dD", "-MD", "-MF", "/dev/stderr", "-MT", "it"]
        done = run(words, cwd=self.commands[str(source)]["directory"])
        if done.returncode != 0:
            return "", []
        included = done.stderr.decode().replace("\\\n", " ").removeprefix("it:").split()
        where = pathlib.Path(self.commands[str(source)]["directory"])
        text = hashlib.sha256(MUTE.sub(b"", done.stdout)).hexdigest()
        return digest(text, self.configuration, self.command(source)), [os.path.normpath(where / name) for name in included]

    def check(self, source):
        """(what clang-tidy says, whether it had to be asked, what to remember)."""
        known = self.clean.get(str(source))
        if known and known["inputs"] == self.inputs(source, known["included"]):
            return "", False, known
        key, included = self.preprocess(source)
        found = {"key": key, "included": included, "inputs": self.inputs(source, included)}
        if known and key and known["key"] == key:
            return "", False, found
        done = run(["clang-tidy", "--quiet", "-p", self.directory, source], cwd=ROOT)
        if done.returncode != 0:
            return done.stdout.decode() + done.stderr.decode(), True, None
        return "", True, found if key else None

    def run(self):
        sources = git_files("*.cpp")
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            results = list(pool.map(self.check, sources))
        self.clean = {str(source): known for source, (_, _, known) in zip(sources, results) if known}
        self.memory.write_text(json.dumps(self.clean))
        for said, _, _ in results:
            sys.stdout.write(said)
        print(f"clang-tidy: asked about {sum(asked for _, asked, _ in results)} of {len(sources)} files")
        return 1 if any(said for said, _, _ in results) else 0


if __name__ == "__main__":
    sys.exit(Tidy(pathlib.Path(sys.argv[1]).resolve()).run())
