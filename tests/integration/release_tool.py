"""Runs the release tool (tests/support/release_tool.cpp)."""
import os
import subprocess
from pathlib import Path
from typing import NamedTuple

TOOL = Path(os.environ["MIDAIR_BUILD"]) / "bin" / "release-tool"


class Outcome(NamedTuple):
    code: str  # "ok" or an error code
    message: str
    peak_kib: int


def release_tool(*args, **options):
    """`options` go to subprocess.run; `prefix` is a command that runs the tool."""
    command = [*options.pop("prefix", []), str(TOOL), *map(str, args)]
    done = subprocess.run(command, stdout=subprocess.PIPE, timeout=250, errors="backslashreplace", **options)
    if done.returncode not in (0, 1):
        raise RuntimeError(f"{command} ended with {done.returncode}: {done.stdout}")
    result, peak = done.stdout.splitlines()
    code, _, message = result.partition(" ")
    return Outcome(code, message, int(peak))


def tree_of(root):
    """Everything below `root`: path -> what it is, its permissions and its content."""
    tree = {}
    for directory, names, files in os.walk(root):
        for name in names + files:
            path = os.path.join(directory, name)
            status = os.lstat(path)
            if os.path.islink(path):
                content = os.readlink(path)
            elif os.path.isfile(path):
                with open(path, "rb") as file:
                    content = file.read()
            else:
                content = None
            tree[os.path.relpath(path, root)] = (oct(status.st_mode), content)
    return tree
