"""A `fly` for tests: knows `tokens create readonly`, and does what a file beside it says.

Each call appends a JSON line with its arguments and environment to calls.jsonl, and mints
another token.
"""

import json
import pathlib
import stat

SCRIPT = """#!/usr/bin/python3
import json, os, pathlib, subprocess, sys, time

here = pathlib.Path(__file__).resolve().parent
plan = json.loads((here / "plan.json").read_text())
with open(here / "calls.jsonl", "a") as calls:
    calls.write(json.dumps({"argv": sys.argv[1:], "environment": dict(os.environ), "pid": os.getpid()}) + "\\n")
number = len((here / "calls.jsonl").read_text().splitlines())
if plan.get("hang"):
    child = subprocess.Popen(["sleep", "1000"])  # flyctl starts helpers of its own
    (here / "hanging.json").write_text(json.dumps({"pids": [os.getpid(), child.pid]}))
    time.sleep(1000)
if plan.get("error"):
    print(plan["error"], file=sys.stderr)
    sys.exit(1)
if sys.argv[1:7] != ["tokens", "create", "readonly", "-x", "24h", "--json"]:
    print("Error: unknown command", sys.argv[1:], file=sys.stderr)
    sys.exit(1)
print("Update available 0.0.1 -> 0.0.2.", file=sys.stderr)
print(json.dumps({"token": plan["token"].replace("@", str(number))}, indent=4))
"""


class FakeFly:
    """The program in `directory`, and what it was asked."""

    def __init__(self, directory, name="fly"):
        self.directory = pathlib.Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.path = self.directory / name
        self.path.write_text(SCRIPT)
        self.path.chmod(self.path.stat().st_mode | stat.S_IXUSR)
        self.plan(token="FlyV1 fm2_minted-@")

    def plan(self, **plan):
        self.directory.joinpath("plan.json").write_text(json.dumps(plan))

    def calls(self):
        path = self.directory / "calls.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def hanging(self):
        """The processes of a call that hangs; empty before it does."""
        path = self.directory / "hanging.json"
        return json.loads(path.read_text())["pids"] if path.exists() and path.stat().st_size else []
