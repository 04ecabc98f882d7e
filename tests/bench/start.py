"""The start of a generation: from the decision until its first line runs, and until it is known to be ready; beside
the same app without a sidecar."""

import os
import re
import statistics
import subprocess
import time
from datetime import datetime

import nginx
from figure import Figure
from fleet import Agent, FileStore, Machine, Port, scratch, wait_until

ROUNDS = 30
ROUNDS_BESIDE = 30  # of one start each
# It says when its first line ran, and takes its socket where it is given one.
APP = """#!/usr/bin/python3 -IS
import time
began = time.time()
import os, socket
given = "LISTEN_FDS" in os.environ
server = socket.socket(fileno=3) if given else socket.create_server(("127.0.0.1", int(os.environ["PORT"])))
with open(os.environ["BEGAN"] + ".new", "w") as told:
    told.write(str(began))
os.rename(os.environ["BEGAN"] + ".new", os.environ["BEGAN"])
while True:
    connection, _ = server.accept()
    connection.recv(1)
    connection.close()
"""


def release(directory):
    directory.mkdir()
    (directory / "app").write_text(APP)
    (directory / "app").chmod(0o755)
    return directory


def told(path):
    return path.exists() and float(path.read_text())


def logged(machine, event):
    """When, in seconds since 1970."""
    found = re.search(rf"^(\S+) \w+ {event} version=r1 ", machine.log(), re.MULTILINE)
    return found and datetime.fromisoformat(found[1]).timestamp()


def below_sidecar(directory):
    """Milliseconds until (its first line, it is known to be ready) of a new generation."""
    store, began = FileStore(directory / "store"), directory / "began"
    options = {"--ready-tcp": "", "--poll-interval": "50ms", "--probation": "100ms"}
    with Machine(directory, "m1", store.address, release(directory / "base"), command=("./app",), options=options,
                 passed=not nginx.is_adopted(), env={"BEGAN": str(began)}) as machine:
        machine.start()
        wait_until(lambda: told(began) and store.record("m1"), machine.tail)
        began.unlink()
        done = Agent(store.address, cwd=directory).run_hot(release(directory / "release"), "r1")
        if done.returncode != 0:
            raise RuntimeError(f"midair hot: {done.stderr}{machine.tail()}")
        decided = logged(machine, "swap.staged")
        return 1000 * (told(began) - decided), 1000 * (logged(machine, "swap.prepared") - decided)


def alone(directory):
    """Milliseconds until its first line."""
    began, port = directory / "began", Port()
    decided = time.time()
    with subprocess.Popen([release(directory / "app") / "app"],
                          env={**os.environ, "PORT": str(port.number), "BEGAN": str(began)}) as app:
        try:
            return 1000 * (wait_until(lambda: told(began), "the app to start") - decided)
        finally:
            app.kill()
            port.close()


def run(directory, small):
    rounds = 1 if small else int(os.environ.get("BENCH_ROUNDS", ROUNDS))
    ours, bare = [], []
    for _ in range(rounds):
        with scratch("start", directory) as home, scratch("alone", directory) as other:
            ours.append(below_sidecar(home))
            bare.append(alone(other))
    first, ready = (statistics.median(one) for one in zip(*ours))
    return [Figure("start.first_line", first, "ms", statistics.median(bare), "the same app, started alone"),
            Figure("start.ready", ready, "ms")]
