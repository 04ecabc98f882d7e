"""Prism, a mock server that checks each request by a specification, and the specification of Fly's Machines API.

Run as a program it installs Prism, an npm package, into the build directory: CTest does so before a test that requires
the fixture "prism". The specification is not part of this tree: MIDAIR_FLY_SPEC names it, else it is looked for beside
the tree. Where either is not to be had the exit status is 77: skipped."""

import os
import pathlib
import shutil
import subprocess
import sys

SKIPPED = 77  # SKIP_RETURN_CODE in CMakeLists.txt
SOURCE = pathlib.Path(os.environ["MIDAIR_SOURCE"])
SPEC = pathlib.Path(os.environ.get("MIDAIR_FLY_SPEC", SOURCE.parent / "shared" / "fly" / "machines-openapi.mock.json"))
DIRECTORY = pathlib.Path(os.environ["MIDAIR_BUILD"]) / "prism"
PROGRAM = DIRECTORY / "node_modules" / ".bin" / "prism"


def what_is_missing():
    """What this machine lacks to have Prism and something to check; empty if nothing."""
    if not SPEC.exists():
        return f"there is no specification of the Machines API: {SPEC}"
    if not PROGRAM.exists() and not shutil.which("npm"):
        return "npm isn't installed, so Prism can't be"
    return ""


def install():
    subprocess.run(["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", DIRECTORY,
                    "@stoplight/prism-cli@5"], check=True, timeout=240, stdin=subprocess.DEVNULL)


if __name__ == "__main__":
    missing = what_is_missing()
    if missing:
        print(missing)
        sys.exit(SKIPPED)
    if not PROGRAM.exists():
        install()
