"""nginx as the benches run it: by itself, or below a sidecar that adopts its socket."""

import functools
import http.client
import os
import pathlib
import shlex
import shutil
import signal
import subprocess

from fleet import Machine, Port, build_dir, wait_until
from measure import kill_those_inside

CONFIGURATION = """\
user root;
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

# For a sidecar that only passes sockets (--ref): nginx takes them from NGINX, where they must not block, and ends in
# good order on QUIT.
SERVE = """\
#!/bin/sh
trap 'kill -QUIT $nginx' TERM
perl -MFcntl -e 'open(my $socket, "+<&=", 3); fcntl($socket, F_SETFL, O_NONBLOCK)'
NGINX="3;" {command} &
nginx=$!
wait $nginx
wait $nginx
"""


def program():
    return shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin:/sbin")


def command(home, configuration, daemon="off"):
    """For a working directory in which `configuration` is."""
    return program(), "-p", ".", "-e", f"{home}/error.log", "-c", str(configuration), "-g", f"daemon {daemon};"


@functools.cache
def is_adopted():
    """Whether the sidecar under test adopts sockets: an earlier one (--ref) only passes them on."""
    said = subprocess.run([build_dir() / "bin/midair-sidecar", "help", "run"], capture_output=True, text=True, check=False)
    return "--sockets" in said.stdout


def write_release(directory, version, port, home):
    directory.mkdir()
    (directory / "nginx.conf").write_text(CONFIGURATION.format(home=home, version=version, port=port))
    if not is_adopted():
        (directory / "serve").write_text(SERVE.format(command=shlex.join(command(home, "nginx.conf"))))
        (directory / "serve").chmod(0o755)
    return directory


def machine(root, store, options=()):
    """One whose base directory is root/base, with nginx as its app; its base release is still to be written."""
    usual = {"--ready-http": "/", "--poll-interval": "50ms", "--probation": "200ms", **dict(options)}
    if not is_adopted():
        return Machine(root, "m1", store, root / "base", app="web", command=("./serve",), options=usual)
    return Machine(root, "m1", store, root / "base", app="web", command=command(root, "nginx.conf"), passed=False,
                   options={**usual, "--stop-signal": "QUIT"})


def served_version(port):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/")
        return connection.getresponse().headers["App-Version"]
    except OSError:
        return None
    finally:
        connection.close()


def wait_for_version(port, version):
    wait_until(lambda: served_version(port) == version, f"nginx to serve {version}")


def is_running(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/cmdline").read_bytes() != b""  # that of a zombie is empty
    except FileNotFoundError:
        return False


class Nginx:
    """One that runs by itself, as a daemon (otherwise it takes no USR2), and upgrades itself."""

    def __init__(self, home):
        self.home, self._port = home, Port()
        self.port = self._port.number
        self.configuration = home / "nginx.conf"
        self.pid = None

    def __enter__(self):
        self.configure("base")
        subprocess.run(command(self.home, self.configuration.name, "on"), cwd=self.home, check=True)
        self.wait_for("base")
        return self

    def __exit__(self, *_):
        kill_those_inside(self.home)
        self._port.close()

    def configure(self, version):
        self.configuration.write_text(CONFIGURATION.format(home=self.home, version=version, port=self.port))

    def wait_for(self, version):
        wait_for_version(self.port, version)
        self.pid = int((self.home / f"{version}.pid").read_text())

    def upgrade(self, version):
        old = self.pid
        self.configure(version)
        os.kill(old, signal.SIGUSR2)
        self.wait_for(version)
        os.kill(old, signal.SIGQUIT)
        wait_until(lambda: not is_running(old), "the old nginx to end", timeout=60)
