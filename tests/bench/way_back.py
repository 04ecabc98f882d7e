"""A roll back in probation: from the death of the new code to the first answer of the old, beside a new start of it."""

import http.client
import os
import pathlib
import signal
import statistics
import subprocess
import time

from figure import Figure
from fleet import Agent, FileStore, Machine, Port, wait_until

ROUNDS, SMALL_ROUNDS = 5, 1

# An app that needs a second before it can serve. It takes its socket where it is given one.
SERVER = """#!/usr/bin/python3
import http.server, os, socket, time
time.sleep({start_up})

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("App", "{version} %d" % os.getpid())
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass

given = "LISTEN_FDS" in os.environ
server = http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler, bind_and_activate=not given)
if given:
    server.socket = socket.socket(fileno=3)
if "NOTIFY_SOCKET" in os.environ:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as supervisor:
        supervisor.connect(os.environ["NOTIFY_SOCKET"])
        supervisor.send(b"READY=1")
server.serve_forever()
"""


def release(directory, version, start_up):
    directory.mkdir()
    server = directory / "server.py"
    server.write_text(SERVER.format(version=version, start_up=start_up))
    server.chmod(0o755)
    return directory


def answer(port):
    """(version, pid) of who answers, or None."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/")
        version, pid = connection.getresponse().headers["App"].split()
        return version, int(pid)
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def until(port, version):
    """Asks without a pause until `version` answers; its pid."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        seen = answer(port)
        if seen and seen[0] == version:
            return seen[1]
    raise TimeoutError(f"{version} does not answer")


def seconds_back(directory, round_, start_up):
    directory = directory / str(round_)
    directory.mkdir()
    store = FileStore(directory / "store")
    base = release(directory / "base", "base", start_up)
    with Machine(directory, "m1", store.address, base, options={"--probation": "20s"}) as machine:
        machine.start()
        until(machine.port, "base")
        agent = Agent(store.address, cwd=directory)
        wait_until(agent.status, machine.tail)
        with subprocess.Popen(agent.hot(release(directory / "bad", "bad", 0), "bad", "--timeout", "60s"),
                              env=agent.environment(), stdout=subprocess.DEVNULL) as following:
            pid = until(machine.port, "bad")
            # Where old and new accept from one socket (--ref) it may answer before the switch.
            wait_until(lambda: "swap.probation version=bad" in machine.log(), machine.tail)
            os.kill(pid, signal.SIGKILL)
            died = time.monotonic()
            until(machine.port, "base")
            took = time.monotonic() - died
            following.wait(60)
        return took


def seconds_of_start(directory, start_up):
    port = Port()
    began = time.monotonic()
    app = subprocess.Popen([pathlib.Path(directory) / "0/base/server.py"], env={**os.environ, "PORT": str(port.number)})
    try:
        until(port.number, "base")
        return time.monotonic() - began
    finally:
        app.kill()
        app.wait()
        port.close()


def run(directory, small):
    start_up = 0.2 if small else 1
    backs = [seconds_back(directory, i, start_up) for i in range(SMALL_ROUNDS if small else ROUNDS)]
    return [Figure("way_back.first_answer", 1000 * statistics.median(backs), "ms",
                   1000 * seconds_of_start(directory, start_up), "a new start of the old code")]
