"""Upgrades under load: what clients notice, beside nginx's own binary upgrade.

Both sides run nginx with the same configuration and the same load, so that only the way of handing over differs: here
the sidecar's (LISTEN_FDS, ready, drain), there nginx's (USR2, then QUIT to the old master)."""

import contextlib
import http.client
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time

from figure import Figure
from fleet import Agent, FileStore, Load, Machine, Port, wait_until
from measure import kill_those_inside

UPGRADES, SMALL_UPGRADES = 20, 1
QUIET_SECONDS, SMALL_QUIET_SECONDS = 10, 0.5
# No POSTs: nginx hangs up on idle connections, and what crosses that on the wire may only be repeated if it is idempotent.
LOAD = ("--connections", "50", "--fresh", "50", "--posts", "0", "--think", "10ms")

CONFIGURATION = """\
user root;
daemon {daemon};
worker_processes 2;
pid {home}/{version}.pid;
error_log {home}/error.log;
events {{ }}
http {{
    access_log off;
    client_body_temp_path {home}/body; proxy_temp_path {home}/proxy; fastcgi_temp_path {home}/fastcgi;
    uwsgi_temp_path {home}/uwsgi; scgi_temp_path {home}/scgi;
    keepalive_requests 1000000;
    add_header App-Version {version};
    server {{ listen 127.0.0.1:{port}; location / {{ return 200 "hello\\n"; }} }}
}}
"""

# nginx takes sockets from NGINX and ends in good order on QUIT.
SERVE = """\
#!/bin/sh
trap 'kill -QUIT $nginx' TERM
NGINX="3;" {nginx} -e {home}/error.log -c "$PWD/nginx.conf" &
nginx=$!
wait $nginx
wait $nginx
"""


def nginx():
    return shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin:/sbin")


def served_version(port):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/")
        return connection.getresponse().headers["App-Version"]
    except OSError:
        return None
    finally:
        connection.close()


def is_running(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/cmdline").read_bytes() != b""  # that of a zombie is empty
    except FileNotFoundError:
        return False


def load_on(port, directory):
    return Load(port, directory / "load.ndjson", *LOAD)


def upgraded_by_midair(directory, upgrades):
    """(what clients saw, seconds that an upgrade took)"""
    store = FileStore(directory / "store", app="web")
    agent = Agent(store.address, app="web", cwd=directory)
    with contextlib.closing(Machine(
            directory, "m1", store.address, directory / "base", app="web", command=("./serve",),
            options={"--ready-http": "/", "--poll-interval": "50ms", "--probation": "200ms"})) as machine:

        def release(version):
            path = directory / version
            path.mkdir()
            (path / "serve").write_text(SERVE.format(nginx=nginx(), home=directory))
            (path / "serve").chmod(0o755)
            (path / "nginx.conf").write_text(CONFIGURATION.format(
                home=directory, version=version, port=machine.port, daemon="off"))
            return path

        release("base")
        releases = [release(f"r{number}") for number in range(upgrades)]
        machine.start()
        wait_until(lambda: served_version(machine.port) == "base" and store.record("m1"), machine.tail)
        with load_on(machine.port, directory) as load:
            load.wait_for_requests(1000)
            begin = time.monotonic()
            for path in releases:
                # The agent would run on another machine: it is not to take the clients' time.
                done = subprocess.run(["nice", "-n", "19", *agent.hot(path, path.name)], capture_output=True, text=True,
                                      check=False, timeout=90, env=agent.environment(), cwd=directory)
                if done.returncode != 0:
                    raise RuntimeError(f"midair hot: {done.stderr}{machine.tail()}")
            return load.finish(), (time.monotonic() - begin) / upgrades


class Nginx:
    """One that runs by itself and upgrades itself."""

    def __init__(self, home):
        self.home, self._port = home, Port()
        self.port = self._port.number
        self.configuration = home / "nginx.conf"
        self.pid = None

    def __enter__(self):
        self.configure("base")
        # A daemon, for otherwise it takes no USR2.
        subprocess.run([nginx(), "-e", self.home / "error.log", "-c", self.configuration], cwd=self.home, check=True)
        self.wait_for("base")
        return self

    def __exit__(self, *_):
        kill_those_inside(self.home)
        self._port.close()

    def configure(self, version):
        self.configuration.write_text(CONFIGURATION.format(home=self.home, version=version, port=self.port, daemon="on"))

    def wait_for(self, version):
        wait_until(lambda: served_version(self.port) == version, f"nginx to serve {version}")
        self.pid = int((self.home / f"{version}.pid").read_text())

    def upgrade(self, version):
        old = self.pid
        self.configure(version)
        os.kill(old, signal.SIGUSR2)
        self.wait_for(version)
        os.kill(old, signal.SIGQUIT)
        wait_until(lambda: not is_running(old), "the old nginx to end", timeout=60)


def upgraded_by_nginx(directory, upgrades, interval):
    with Nginx(directory) as server, load_on(server.port, directory) as load:
        load.wait_for_requests(1000)
        for number in range(upgrades):
            due = time.monotonic() + interval
            server.upgrade(f"r{number}")
            time.sleep(max(0, due - time.monotonic()))
        return load.finish()


def not_upgraded(directory, seconds):
    with Nginx(directory) as server, load_on(server.port, directory) as load:
        time.sleep(seconds)
        return load.finish()


def run(directory, small):
    upgrades = SMALL_UPGRADES if small else UPGRADES
    homes = [directory / name for name in ("midair", "nginx", "quiet")]
    for home in homes:
        home.mkdir()
    midair, interval = upgraded_by_midair(homes[0], upgrades)
    itself = upgraded_by_nginx(homes[1], upgrades, interval)
    quiet = not_upgraded(homes[2], SMALL_QUIET_SECONDS if small else QUIET_SECONDS)
    for who, seen in (("midair", midair), ("nginx", itself)):
        for sample in seen["failure_samples"]:
            print(f"bench: a request failed while {who} upgraded: {sample}", file=sys.stderr)
    if "base" not in midair["versions"] or len(midair["versions"]) != upgrades + 1:
        raise RuntimeError(f"not every release served: {midair['versions']}")
    upgrade, floor = f"nginx's binary upgrade, {upgrades} times", "the same nginx, not upgraded"
    return [Figure("handover.failed_requests", midair["failures"], f"of {midair['requests']}", itself["failures"],
                   f"{upgrade} ({itself['requests']} requests)", aim=("=", 0)),
            *(Figure(f"handover.{what}", midair[key], "ms", other[key], name)
              for what, key in (("longest_pause", "pause_ms"), ("p999", "p999_ms"), ("p50", "p50_ms"))
              for other, name in ((itself, upgrade), (quiet, floor))),
            Figure("handover.reconnects", midair["reconnects"] / upgrades, "per upgrade",
                   itself["reconnects"] / upgrades, upgrade)]
