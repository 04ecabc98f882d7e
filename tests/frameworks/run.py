#!/usr/bin/python3
"""Tries servers behind the real sidecar: all, or those named. Usage: run.py RESULTS.json [NAME...]

It fails if somebody on a new connection lost anything. Rows of servers that weren't named stay as they are in
RESULTS.json.
"""

import concurrent.futures
import json
import pathlib
import sys

from fleet import Interruption
from servers import SERVERS, named
from trial import UPGRADES, try_server

AT_ONCE = 3  # they wait more than they work
KINDS = ("fresh", "kept", "brisk", "slow")


def summary(row):
    """One line for a person."""
    if "skipped" in row or "error" in row:
        return f"{row['name']}: {'not tried: ' + row['skipped'] if 'skipped' in row else 'FAILED: ' + row['error']}"
    lost = ", ".join(f"{kind} {row[kind]['failed']}/{row[kind]['requests']}" for kind in KINDS)
    closings = row["kept"]["closings"] + row["brisk"]["closings"]
    return (f"{row['name']}: lost {lost}; {closings} closings, {row['upgraded']} upgrades, "
            f"{row['died_with_release']} died with the release, way back {row['way_back']}, "
            f"{row['killed_after_drain']} killed, longest {row['longest_ms']} ms")


def keeps_new_connections(row):
    """Whether each upgrade was made and nobody on a connection of its own lost anything."""
    return "error" not in row and row["upgraded"] == len(UPGRADES) and row["fresh"]["failed"] == 0


def main():
    Interruption.install()
    results = pathlib.Path(sys.argv[1])
    rows = {row["name"]: row for row in json.loads(results.read_text())} if results.exists() else {}
    failed = False
    servers = [named(name) for name in sys.argv[2:]] or SERVERS
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        trials = [pool.submit(try_server, server) for server in servers]
        try:
            for tried in concurrent.futures.as_completed(trials):
                row = tried.result()
                rows[row["name"]] = row
                print(summary(row), flush=True)
                failed |= "skipped" not in row and not keeps_new_connections(row)
                ordered = [rows[server.name] for server in SERVERS if server.name in rows]
                results.write_text(json.dumps(ordered, indent=2) + "\n")
        finally:
            pool.shutdown(wait=False, cancel_futures=True)  # what hasn't begun needn't, after an interruption
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
