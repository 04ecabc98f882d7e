#!/usr/bin/python3
"""Writes sidecar/FRAMEWORKS.md from what run.py has counted. Usage: render.py RESULTS.json PAGE"""

import json
import pathlib
import shlex
import sys
import textwrap

from clients import BRISK_PAUSE, KEPT_PAUSE
from servers import SERVERS, named

WIDTH = 110
PORT = "8080"
PAUSES = (50, 100, 250, 500, 1000, 2500, 5000)  # ms

HEAD = f"""# Your framework

What is below was counted: each server of Debian 12 ran behind `midair-sidecar` as a Dockerfile would start it, with one
of these [tiny apps](../tests/frameworks/apps), was upgraded three times and rolled back once (a release whose process
is killed 0.3 s after the switch), while clients asked that *never ask a second time*. `make frameworks` does it again,
and writes this page.

- *new*: GET and POST, each on a connection of its own
- *kept*: on kept connections with pauses of {KEPT_PAUSE * 1000:.0f} ms, in which the sidecar sees that they are idle
- *brisk*: the same with pauses of {BRISK_PAUSE * 1000:.0f} ms. Who never pauses for 100 ms is closed in a shorter
  moment of quiet, from 2 s after the closing has begun on
- *slow*: one client that is in an answer of two seconds all the time

A cell is *lost* of all requests; of *kept* and *brisk* beside it how many connections were closed (`-`: the server
keeps none), as what is lost there crossed such a close. *Cut* is what was under way in the release that died, whose
answer nobody can save. *Way back* is `warm` if the process that had served before served again. *Longest* is what a new
connection waited for its answer, upgrades or not. **Holds** says for whom nothing was lost (for *kept* and *brisk*: at
most one request in 100 closings), `nothing` where *new* lost something, or an upgrade wasn't made.

Options were `--probation 1s --close-idle 500ms --drain-timeout 15s`, and those of the line below.
"""

TABLE = """
| server | new | kept | brisk | slow | way back | longest | holds |
|---|---|---|---|---|---|---|---|
"""

LINES = """
## The lines

In a Dockerfile what stands up to `--` is the ENTRYPOINT, and the rest the CMD, as you had it: the app binds its port
itself.

```
"""


def lost(kind, keeps):
    text = f"{kind['failed']} of {kind['requests']:,}"
    return f"{text} ({closings(kind) or '-'})" if keeps else text


def closings(kind):
    """How many kept connections were closed; 0 of a server that keeps none, whether its answers say so or not."""
    return kind["closings"] if kind["closings"] <= kind["requests"] / 2 else 0


def holds(row):
    """The kinds of clients of which nothing was lost, in words."""
    if row["upgraded"] < 3 or row["fresh"]["failed"]:
        return "nothing"
    names = {"fresh": "new", "kept": "kept", "brisk": "brisk", "slow": "slow"}
    broken = [names[kind] for kind in names if 100 * row[kind]["failed"] > closings(row[kind])]
    if len(broken) > 1:
        return ", ".join(name for name in names.values() if name not in broken)
    return f"all but {broken[0]}" if broken else "all"


def longest(milliseconds):
    limit = next((pause for pause in PAUSES if milliseconds < pause), None)
    return f"< {limit} ms" if limit else f"{milliseconds // 1000} s"


def table_row(server, row):
    if "fresh" not in row:
        return None
    way = row["way_back"] + (f", {row['died_with_release']} cut" if row["died_with_release"] else "")
    cells = [server.title, lost(row["fresh"], False), lost(row["kept"], True),
             lost(row["brisk"], True), lost(row["slow"], False), way, longest(row["longest_ms"]), holds(row)]
    return f"| {' | '.join(cells)} |"


def line(server, version):
    """What a Dockerfile says for it, and what to know."""
    environment = [f"{name}={value}" for name, value in server.environment if "@" not in value]
    options = [word for pair in server.options for word in pair]
    words = [*environment, "midair-sidecar", "run", *options, "--", *map(quoted, server.command)]
    title = f"{server.title} ({version})" if version else server.title
    return f"# {title}{': ' + server.note if server.note else ''}\n" + wrapped(words)


def quoted(word):
    return shlex.quote(word.replace("@PORT@", PORT))


def wrapped(words):
    """On lines of a shell, none too long."""
    lines = [""]
    for word in words:
        if len(lines[-1]) + len(word) > WIDTH:
            lines[-1] += " \\"
            lines.append("   ")
        lines[-1] += (" " if lines[-1] else "") + word
    return "\n".join(lines)


def total(rows):
    """What all of them lost together: more closings than one server has."""
    counted = [row for row in rows.values() if "fresh" in row]
    sums = {}
    for kind in ("fresh", "kept", "brisk", "slow"):
        sums[kind, "closings"] = sum(closings(row[kind]) for row in counted)
        for what in ("requests", "failed"):
            sums[kind, what] = sum(row[kind][what] for row in counted)
    lost_where = [f"{sums[kind, 'failed']} {where} {sums[kind, of]:,} {what}" for kind, where, of, what in (
        ("fresh", "of", "requests", "on new connections"), ("slow", "of", "requests", "slow answers"),
        ("kept", "in", "closings", "closings of *kept*"), ("brisk", "in", "closings", "of *brisk* ones"))]
    text = f"All servers together lost {', '.join(lost_where)}."
    killed = [f"{named(row['name']).title} ({row['killed_after_drain']})" for row in counted
              if row["killed_after_drain"]]
    if killed:
        text += f" Old processes that hadn't ended at `--drain-timeout`, and were killed: {', '.join(sorted(killed))}."
    return f"\n{textwrap.fill(text, 118)}\n"


def untried(rows):
    """Bullets about servers of which there are no counts; never left out."""
    found = [f"- {server.title}: {why_untried(rows.get(server.name))}" for server in SERVERS
             if "fresh" not in rows.get(server.name, {})]
    return "\n## Not tried\n\n" + "\n".join(found) + "\n" if found else ""


def why_untried(row):
    if row is None:
        return "not tried yet"
    why = row.get("skipped") or "failed: " + row["error"].splitlines()[0]
    return textwrap.shorten(why, 90)


def page(rows):
    servers = sorted(SERVERS, key=lambda server: server.title.lower())
    table = [text for text in (table_row(server, rows.get(server.name, {})) for server in servers) if text]
    lines = "\n\n".join(line(server, rows.get(server.name, {}).get("version")) for server in servers)
    return HEAD + TABLE + "\n".join(table) + "\n" + total(rows) + untried(rows) + LINES + lines + "\n```\n"


def main():
    rows = {row["name"]: row for row in json.loads(pathlib.Path(sys.argv[1]).read_text())}
    pathlib.Path(sys.argv[2]).write_text(page(rows))


if __name__ == "__main__":
    main()
