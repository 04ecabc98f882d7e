"""From the start of the sidecar until its app is executed: the bundle beside the program with Debian's libraries."""

import json
import os
import pathlib
import statistics
import subprocess
import sys
import time

from figure import Figure
from fleet import ROOT, build_dir, scratch

ROUNDS, SMALL_ROUNDS = 101, 3
BUNDLED = "/opt/midair/bin/midair-sidecar"
CANNOT = 77  # of in-namespaces


def run(directory, small):
    if not (build_dir() / "bundle").exists():  # another commit's
        return []
    subprocess.run([ROOT / "scripts/bundle.py", build_dir(), directory / "bundle.tar.gz"], check=True, stdout=sys.stderr)
    # In mount namespaces of its own, as the bundle can be in one place only.
    done = subprocess.run([ROOT / "tests/support/in-namespaces", sys.executable, "-B", __file__, directory,
                           str(SMALL_ROUNDS if small else ROUNDS)], check=False, stdout=subprocess.PIPE,
                          env={**os.environ, "PYTHONPATH": str(ROOT / "tests/support")})
    if done.returncode == CANNOT:
        return []
    done.check_returncode()
    bundled, plain = json.loads(done.stdout)
    return [Figure("bundle.until_exec", bundled, "ms", plain, "the program with Debian's libraries", aim=("<=", 1.5 * plain))]


def milliseconds_until_exec(program):
    """Of a sidecar that has never run before. Its app says something at once."""
    with scratch("bundle-start") as directory:
        command = [program, "run", "--app", "bundle", "--store", f"file://{directory}/store", "--state-dir",
                   directory / "state", "--base-dir", directory, "--", "/bin/echo", "executed"]
        begin = time.monotonic()
        with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL) as sidecar:
            said = sidecar.stdout.readline()
            end = time.monotonic()
            sidecar.kill()
        if said != b"executed\n":
            raise RuntimeError(f"{program} started no app")
        return 1000 * (end - begin)


def measure(directory, rounds):
    """The medians of both, in turn: [bundled, plain]."""
    subprocess.run(["mount", "-t", "tmpfs", "none", "/opt"], check=True)
    subprocess.run(["tar", "-x", "-C", "/", "-f", pathlib.Path(directory, "bundle.tar.gz")], check=True)
    programs = (BUNDLED, build_dir() / "bin/midair-sidecar")
    times = [[milliseconds_until_exec(program) for program in programs] for _ in range(rounds + 1)][1:]
    return [statistics.median(side) for side in zip(*times)]


if __name__ == "__main__":
    print(json.dumps(measure(sys.argv[1], int(sys.argv[2]))))
