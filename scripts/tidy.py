#!/usr/bin/python3
"""Runs clang-tidy over the C++ files that git knows, but not again over what it found to be clean, in any checkout.

    tidy.py BUILD_DIR      status 1 if there is anything to say

A file is clean for as long as its preprocessed text is the same, but for lines that hold nothing but a comment (unless it
speaks to clang-tidy), and its command, every .clang-tidy and clang-tidy itself; where the checkout and its build lie
doesn't count. While no file that it includes changed at all, it isn't even preprocessed.

The memory is a folder, ${XDG_CACHE_HOME:-~/.cache}/midair/tidy, that any number of runs may use at once: an empty file
for each clean text, and for each command NAME.json, what its file included when it was clean last. What nobody used for
30 days is dropped.
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
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "midair/tidy"
KEPT_SECONDS = 30 * 24 * 3600
HOST = re.compile(r"^ *Host CPU: .*\n?", re.MULTILINE)
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
    return hashlib.sha256("\0".join(parts).encode(errors="surrogateescape")).hexdigest()


def inputs_of(included):
    return digest(*map(state_of, included))


def replace(path, text):
    """At once, so that whoever reads it meanwhile finds all of the old or all of the new."""
    with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False) as file:
        file.write(text)
    os.replace(file.name, path)


class Memory:
    """Of digests, each maybe with a value. An entry is as old as its file, which each use makes new."""

    def __init__(self, directory):
        self.directory = directory
        self.directory.mkdir(parents=True, exist_ok=True)

    def has(self, key):
        try:
            os.utime(self.directory / key)
        except FileNotFoundError:
            return False
        return True

    def add(self, key):
        (self.directory / key).touch()

    def value(self, key):
        """None where there is none, or none that makes sense."""
        try:
            return json.loads((self.directory / f"{key}.json").read_text()) if self.has(f"{key}.json") else None
        except (OSError, ValueError):
            return None

    def set_value(self, key, value):
        replace(self.directory / f"{key}.json", json.dumps(value))

    def drop_unused(self):
        for path in self.directory.iterdir():
            try:
                if path.stat().st_mtime < time.time() - KEPT_SECONDS:
                    path.unlink()
            except FileNotFoundError:  # another run was faster
                pass


class Tidy:
    def __init__(self, build):
        self.build = build
        self.directory = build / "lint"
        self.directory.mkdir(exist_ok=True)
        # clang-tidy reads g++'s command lines; this option only g++ has.
        commands = (build / "compile_commands.json").read_text()
        commands = re.sub(" -f(no-)?gnu-unique", "", commands)
        replace(self.directory / "compile_commands.json", commands)
        self.commands = {entry["file"]: entry for entry in json.loads(commands)}
        version = HOST.sub("", run(["clang-tidy", "--version"]).stdout.decode())
        configuration = [path.read_text() for path in git_files(".clang-tidy", "**/.clang-tidy")]
        self.configuration = digest(version, *configuration)
        self.memory = Memory(CACHE)

    def portable(self, text):
        """The same in each checkout."""
        return text.replace(str(self.build), "$BUILD").replace(str(ROOT), "$ROOT")

    def local(self, text):
        return text.replace("$BUILD", str(self.build)).replace("$ROOT", str(ROOT))

    def command(self, source):
        """The key of all but the text; "" for a file that isn't built."""
        if str(source) not in self.commands:
            return ""
        return digest(self.configuration, self.portable(self.commands[str(source)]["command"]))

    def preprocess(self, source):
        """(the hash of its text, what it includes); ("", []) where that fails, which clang-tidy can say better."""
        words = shlex.split(self.commands[str(source)]["command"])
        at = words.index("-o")
        words[at:at + 2] = ["-E", "-C", "-P", "-dD", "-MD", "-MF", "/dev/stderr", "-MT", "it"]
        done = run(words, cwd=self.commands[str(source)]["directory"])
        if done.returncode != 0:
            return "", []
        included = done.stderr.decode().replace("\\\n", " ").removeprefix("it:").split()
        where = pathlib.Path(self.commands[str(source)]["directory"])
        text = self.portable(MUTE.sub(b"", done.stdout).decode(errors="surrogateescape"))
        return digest(text, self.command(source)), [os.path.normpath(where / name) for name in included]

    def unchanged(self, known):
        try:
            return known["inputs"] == inputs_of(map(self.local, known["included"])) and self.memory.has(known["key"])
        except OSError:
            return False

    def remember(self, command, key, included):
        self.memory.add(key)
        self.memory.set_value(command, {"key": key, "included": [self.portable(name) for name in included],
                                        "inputs": inputs_of(included)})

    def check(self, source):
        """(what clang-tidy says, whether it had to be asked)."""
        command = self.command(source)
        known = self.memory.value(command)
        if known and self.unchanged(known):
            return "", False
        key, included = self.preprocess(source) if command else ("", [])
        asked = not key or not self.memory.has(key)
        if asked:
            done = run(["clang-tidy", "--quiet", "-p", self.directory, source], cwd=ROOT)
            if done.returncode != 0:
                return done.stdout.decode() + done.stderr.decode(), True
        if key:
            self.remember(command, key, included)
        return "", asked

    def run(self):
        sources = git_files("*.cpp")
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            results = list(pool.map(self.check, sources))
        self.memory.drop_unused()
        for said, _ in results:
            sys.stdout.write(said)
        print(f"clang-tidy: asked about {sum(asked for _, asked in results)} of {len(sources)} files")
        return 1 if any(said for said, _ in results) else 0


if __name__ == "__main__":
    sys.exit(Tidy(pathlib.Path(sys.argv[1]).resolve()).run())
