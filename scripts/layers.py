#!/usr/bin/env python3
"""No include points up: the table says who may include whom.

Ends with 1 and names each line that points elsewhere, and each folder of more than 45 source files."""
import collections, pathlib, re, sys
TOP = pathlib.Path(__file__).resolve().parent.parent
# room: what it may include besides itself; a star adds all that this may include. agent/src is called midair.
TABLE = """
core core/release/module_lint manual:
core/json core/net: core
core/config: core/json*
core/store: core/json* core/net*
core/release: core/store* core/release/module_lint
host: core/release* core/config
host/publish: host*
host/fleet: host/publish*
host/upgrade: host/fleet*
plugins/hot-upgrade plugins/machines plugins/tokens: host/upgrade*
midair/config: host/upgrade* manual
midair/host: midair/config*
midair/cli: midair/host*
midair: midair/cli*
sidecar/sdk: core/release/module_lint
sidecar/loop: core/release* core/config
sidecar/state sidecar/protocol sidecar/control sidecar/sockets sidecar/connections sidecar/output: sidecar/loop*
sidecar/release: sidecar/state*
sidecar/watch: sidecar/release*
sidecar/process: sidecar/protocol* sidecar/release* sidecar/sockets sidecar/connections sidecar/output
sidecar/hooks sidecar/check: sidecar/process*
sidecar/swap: sidecar/hooks*
sidecar/swap/strategies: sidecar/swap*
sidecar/status: sidecar/swap* sidecar/watch
sidecar/upgrade: sidecar/status*
sidecar/boot: sidecar/upgrade*
sidecar: sidecar/boot* sidecar/swap/strategies sidecar/check sidecar/control manual
"""
MAY = {}  # each room and what it may include; a line stands below those that it names
for rooms, words in (line.split(":") for line in TABLE.strip().splitlines()):
    below = {word.rstrip("*") for word in words.split()}.union(*(MAY[w[:-1]] for w in words.split() if w[-1] == "*"))
    MAY |= {room: {room} | below for room in rooms.split()}

def room_of(file):
    name = re.sub(r"/(include/midair/host|include/midair/manual|include/midair|src)(?=/)", "", file.replace("agent/src/", "midair/"))
    return max((room for room in MAY if name.removeprefix("agent/").startswith(room + "/")), key=len)

def target_of(file, line):
    """The file of ours that the line includes: looked for beside it, below its own root, below the others."""
    include = re.match(r'\s*#\s*include\s+"([^"]+)"', line)
    roots = [str(pathlib.PurePath(file).parent), *sorted(ROOTS, key=lambda root: not file.startswith(root))]
    return next((path for root in roots if include and (path := f"{root}/{include[1]}") in files), None)

ROOTS = """agent/core/include agent/core/src agent/core/src/release/module_lint agent/host/include agent/host/src
agent/manual/include agent/manual/src agent/src sidecar/src sidecar/sdk/include sidecar/sdk/src""".split()
files = {str(p.relative_to(TOP)) for part in ("agent", "plugins", "sidecar") for p in (TOP / part).rglob("*.[hc]*")}
faults = [f"{file}:{n}: {room_of(file)} must not include {room_of(target)}" for file in sorted(files)
          for n, line in enumerate((TOP / file).read_text().splitlines(), 1)
          if (target := target_of(file, line)) and room_of(target) not in MAY[room_of(file)]]
sizes = collections.Counter(str(pathlib.PurePath(file).parent) for file in files)
faults += [f"{folder}: {n} source files; 45 are enough for a folder" for folder, n in sizes.items() if n > 45]
sys.exit("\n".join(faults) or None)
