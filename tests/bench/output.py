"""What an app's output costs that goes through the sidecar, beside a plain pipe with the same reader."""

import contextlib
import os
import statistics
import subprocess
import sys
import time

from figure import Figure
from fleet import build_dir, uninterrupted
from measure import cpu_seconds

LINES, SMALL_LINES = 300_000, 2_000
BULK_MIB, SMALL_BULK_MIB = 512, 8
STAMPS, SMALL_STAMPS = 300, 20
ROUNDS, SMALL_ROUNDS = 5, 1
LINE_BYTES = 100
STAMP_BYTES = 20

# Writes to standard output as it is told, and waits for its end.
TALKER = f"""
import os, signal, sys, time
kind, count = sys.argv[1], int(sys.argv[2])
if kind == "lines":
    line = b"x" * {LINE_BYTES - 1} + b"\\n"
    for _ in range(count):
        os.write(1, line)
elif kind == "bulk":
    chunk = (b"x" * {LINE_BYTES - 1} + b"\\n") * 655
    left = count << 20
    while left > 0:
        left -= os.write(1, chunk[:left])
else:
    for _ in range(count):
        time.sleep(0.002)
        os.write(1, b"%0{STAMP_BYTES}d" % time.monotonic_ns())
signal.pause()
"""


@contextlib.contextmanager
def talker(directory, kind, count, sidecar):
    """The process that writes, or the sidecar that it runs under, with its output in a pipe."""
    command = [sys.executable, "-c", TALKER, kind, str(count)]
    if sidecar:
        command = [build_dir() / "bin/midair-sidecar", "run", "--app", "output", "--sockets", "off", "--store",
                   f"file://{directory}/store", "--state-dir", directory / "state", "--base-dir", directory, "--",
                   *command]
    with uninterrupted():
        process = subprocess.Popen(list(map(str, command)), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.DEVNULL, cwd=directory)
    try:
        yield process
    finally:
        process.terminate()
        process.stdout.close()
        process.wait(20)


def read_all(process, size):
    """Seconds from the first byte to the last, and those of the processor that the process itself used."""
    begin, used = None, 0
    while size > 0:
        size -= len(os.read(process.stdout.fileno(), min(size, 1 << 16)))
        if begin is None:
            begin, used = time.monotonic(), cpu_seconds(process.pid)
    return time.monotonic() - begin, cpu_seconds(process.pid) - used


def latency(process, count):
    """The median of microseconds from a write to its reading."""
    took = []
    for _ in range(count):
        stamp = os.read(process.stdout.fileno(), STAMP_BYTES)
        took.append((time.monotonic_ns() - int(stamp)) / 1000)
    return statistics.median(took)


def run(directory, small):
    (directory / "store").mkdir()
    lines, bulk = SMALL_LINES if small else LINES, SMALL_BULK_MIB if small else BULK_MIB
    stamps, rounds = SMALL_STAMPS if small else STAMPS, SMALL_ROUNDS if small else ROUNDS
    found = {}
    for _ in range(rounds):
        for sidecar in (True, False):  # in turn, as a machine's mood changes
            def note(name, value):
                found.setdefault((name, sidecar), []).append(value)
            with talker(directory, "lines", lines, sidecar) as process:
                seconds, cpu = read_all(process, lines * LINE_BYTES)
                note("line", seconds / lines * 1e6)
                note("line_cpu", cpu / lines * 1e6)
            with talker(directory, "bulk", bulk, sidecar) as process:
                note("bulk", read_all(process, bulk << 20)[0] / bulk * 1e3 * 100)
            with talker(directory, "stamps", stamps, sidecar) as process:
                note("latency", latency(process, stamps))

    def median(name, sidecar):
        return statistics.median(found[name, sidecar])
    reference = "a plain pipe"
    return [Figure("output.line", median("line", True), "us", median("line", False), reference),
            Figure("output.line_sidecar_cpu", median("line_cpu", True), "us"),
            Figure("output.100_mib", median("bulk", True), "ms", median("bulk", False), reference),
            Figure("output.latency", median("latency", True), "us", median("latency", False), reference)]
