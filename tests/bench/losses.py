"""What clients lose that never ask a second time, while their server is upgraded three times and rolled back once:
servers of tests/frameworks, with many more clients than there."""

import concurrent.futures
import pathlib
import sys

from figure import Figure

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "frameworks"))

import trial  # noqa: E402
from clients import Crowd  # noqa: E402
from servers import named  # noqa: E402

SERVERS = ("node", "gunicorn-gthread", "uvicorn", "waitress", "cheroot", "puma", "go")
ROUNDS, AT_ONCE = 4, 2  # they wait more than they work
CROWD, SMALL_CROWD = Crowd(fresh=6, kept=24, brisk=0), Crowd(brisk=0)
CROWDS = {"puma": Crowd(fresh=6, brisk=0)}  # with more kept ones than threads it lets new ones wait, sidecar or not


def counted(name, crowd):
    """The server's row; nothing if it can't be tried, or wasn't upgraded."""
    row = trial.try_server(named(name), crowd)
    if row.get("upgraded") != len(trial.UPGRADES):
        print(f"bench: {name} was not tried: {row.get('skipped') or row}", file=sys.stderr)
        return None
    asked = ", ".join(f"{kind} {row[kind]['failed']}/{row[kind]['requests']}" for kind in ("fresh", "kept", "slow"))
    print(f"bench: {name} lost {asked}; {row['kept']['closings']} closings", file=sys.stderr, flush=True)
    for kind in ("fresh", "kept", "slow"):
        for failure in row[kind]["failures"]:
            print(f"bench: {name}, {kind}: {failure}", file=sys.stderr)
    return row


def figures(name, rows):
    def total(kind, what):
        return sum(row[kind][what] for row in rows)

    new = sum(total(kind, "failed") for kind in ("fresh", "slow"))
    asked = sum(total(kind, "requests") for kind in ("fresh", "slow"))
    closings = total("kept", "closings")
    return [Figure(f"losses.{name}.new", new, f"of {asked}", aim=("=", 0)),
            Figure(f"losses.{name}.kept", total("kept", "failed"), f"of {total('kept', 'requests')}", closings,
                   "closings of kept connections", aim=("<=", closings / 100))]


def run(_, small):
    servers, rounds = (SERVERS[:1], 1) if small else (SERVERS, ROUNDS)

    def trial_of(name):
        return counted(name, SMALL_CROWD if small else CROWDS.get(name, CROWD))
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        rows = [row for row in pool.map(trial_of, servers * rounds) if row]
    tried = {name: [row for row in rows if row["name"] == name] for name in servers}
    return [figure for name in servers if tried[name] for figure in figures(name, tried[name])] + figures("all", rows)
