"""Whether what a program renames survives a power cut, judged from its system calls.

record() is a command prefix that writes them down; violations() reads them and names each breach of these rules, for
renames to paths below a directory:
1. when a file or directory is renamed, nothing in it waits to be flushed;
2. the directory that it came into is flushed before the thread renames anything else;
3. so is, before the rename, the directory above each new directory on the way there.
"""

import os
import pathlib
import re

WRITES = ("write", "pwrite64", "writev", "pwritev", "pwritev2", "ftruncate", "sendfile", "copy_file_range")
OPENS = ("open", "openat", "creat")
MKDIRS = ("mkdir", "mkdirat")
FSYNCS = ("fsync", "fdatasync")
FILE_SYSTEM_SYNCS = ("syncfs", "sync")
RENAMES = ("rename", "renameat", "renameat2")

LINE = re.compile(r"(\d+) +(.*)")
BEGUN = re.compile(r"(.*) <unfinished \.\.\.>")
RESUMED = re.compile(r"<\.\.\. \w+ resumed>(.*)")
CALL = re.compile(r"(\w+)\((.*)\) += (-?\d+)(?:<(.*)>)?(?: .*)?")
DESCRIPTOR = re.compile(r"\d+<([^<>]*)>")
PATH_ARGUMENT = re.compile(r'(?:(?:AT_FDCWD|\d+)<([^<>]*)>, )?"([^"]*)"')


def record(trace, *options):
    """The beginning of a command line whose program's calls, and its children's, go into the file `trace`."""
    calls = ",".join(WRITES + OPENS + MKDIRS + FSYNCS + FILE_SYSTEM_SYNCS + RENAMES)
    return ["strace", *options, "-f", "--seccomp-bpf", "-y", "-s", "0", "-e", f"trace={calls}", "-e", "signal=none",
            "-o", str(trace)]


def succeeded(trace):
    """(thread, name, arguments, path of the descriptor returned) of each call that succeeded, in the order of their
    ends."""
    unfinished = {}
    for line in pathlib.Path(trace).read_text(errors="replace").splitlines():
        thread, text = LINE.fullmatch(line).groups()
        if begun := BEGUN.fullmatch(text):
            unfinished[thread] = begun[1]
            continue
        if resumed := RESUMED.fullmatch(text):
            text = unfinished.pop(thread) + resumed[1]
        call = CALL.fullmatch(text)
        if call and int(call[3]) >= 0:
            yield thread, call[1], call[2], call[4]


def paths(arguments):
    return [os.path.normpath(os.path.join(directory, name)) for directory, name in PATH_ARGUMENT.findall(arguments)]


def is_below(path, directory):
    return path == directory or path.startswith(directory + "/")


class Disk:
    """What a power cut would take: the model that the calls are played to."""

    def __init__(self, root):
        self.root = str(root)
        self.unflushed = set()  # files and directories that changed
        self.nameless = {}  # new directory: the one above it, until that is flushed
        self.unsettled = {}  # thread: what it renamed last, until the directory is flushed
        self.renamed = []
        self.violations = []

    def created(self, path):
        self.unflushed |= {path, os.path.dirname(path)}

    def made_directory(self, path):
        self.created(path)
        self.nameless[path] = os.path.dirname(path)

    def flushed(self, thread, path):
        self.unflushed.discard(path)
        self.nameless = {made: above for made, above in self.nameless.items() if above != path}
        if os.path.dirname(self.unsettled.get(thread, "")) == path:
            del self.unsettled[thread]

    def rename(self, thread, source, target):
        if not is_below(target, self.root):
            return
        self.settle(thread)
        for path in self.unflushed:
            if is_below(path, source):
                self.violations.append(f"{source} became {target} while {path} was not flushed")
        for made in [made for made in self.nameless if is_below(target, made)]:
            self.violations.append(f"{target} came into {made}, a new directory whose name was not flushed")
            del self.nameless[made]  # told once
        self.unflushed |= {os.path.dirname(source), os.path.dirname(target)}
        self.unsettled[thread] = target
        self.renamed.append(target)

    def settle(self, thread):
        if target := self.unsettled.pop(thread, None):
            self.violations.append(f"the directory of {target} was not flushed after the rename")

    def ended(self):
        for thread in list(self.unsettled):
            self.settle(thread)


def violations(trace, root):
    """(what was renamed to paths below `root`, the breaches of the rules in words)."""
    disk = Disk(root)
    for thread, name, arguments, returned in succeeded(trace):
        if name in RENAMES:
            disk.rename(thread, *paths(arguments))
        elif name in FSYNCS:
            disk.flushed(thread, DESCRIPTOR.match(arguments)[1])
        elif name in FILE_SYSTEM_SYNCS:
            disk.unflushed.clear()
            disk.nameless.clear()
        elif name in MKDIRS:
            disk.made_directory(paths(arguments)[0])
        elif name in WRITES and (descriptor := DESCRIPTOR.match(arguments)):
            disk.unflushed.add(descriptor[1])
        elif name in OPENS and ("O_CREAT" in arguments or "O_TRUNC" in arguments):
            disk.created(returned)
    disk.ended()
    return disk.renamed, disk.violations
