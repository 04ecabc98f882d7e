"""What clients lose that never ask a second time, while their server is upgraded three times and rolled back once:
servers of tests/frameworks, with many more clients than there."""

import pathlib
import sys

from figure import Figure

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "frameworks"))

import trial  # noqa: E402
from clients import Crowd  # noqa: E402
from servers import named  # noqa: E402

SERVERS = ("node", "gunicorn-gthread", "uvicorn", "waitress", "cheroot", "puma", "go")
CROWD, SMALL_CROWD = Crowd(fresh=10, kept=110, brisk=0), Crowd(brisk=0)


def counted(name, crowd):
    """The server's row; nothing if it isn't there."""
    row = trial.try_server(named(name), crowd)
    if "skipped" in row:
        print(f"bench: {name} was not tried: {row['skipped']}", file=sys.stderr)
        return None
    if "error" in row or row["upgraded"] < len(trial.UPGRADES):
        raise RuntimeError(f"{name} was not upgraded: {row}")
    for kind in ("fresh", "kept", "slow"):
        for failure in row[kind]["failures"]:
            print(f"bench: {name} lost ({kind}): {failure}", file=sys.stderr)
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
    rows = [counted(name, SMALL_CROWD if small else CROWD) for name in (SERVERS[:1] if small else SERVERS)]
    rows = [row for row in rows if row]
    return [figure for row in rows for figure in figures(row["name"], [row])] + figures("all", rows)
