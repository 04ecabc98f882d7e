"""Local machines, their load and their agent, for the demo and the e2e tests.

A Machine is one `midair-sidecar run` with a state directory, FLY_* identity and port of its own. A Load is one
`midair-load` on one machine. Everything that a context manager here starts is gone when it is left.
"""

import contextlib
import http.client
import json
import os
import pathlib
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
COUNTER = ROOT / "scripts/examples/counter"


def build_dir():
    """Where the programs were built: MIDAIR_BUILD, by default build/ in the tree."""
    return pathlib.Path(os.environ.get("MIDAIR_BUILD", ROOT / "build"))


def wait_until(predicate, what, timeout=15.0):
    """Returns the first true value of `predicate()`; fails with `what` (a text, or a call for one) after `timeout`
    seconds."""
    deadline = time.monotonic() + timeout
    while True:
        value = predicate()
        if value:
            return value
        if time.monotonic() > deadline:
            raise TimeoutError(f"gave up after {timeout:.0f} s: {what() if callable(what) else what}")
        time.sleep(0.01)


@contextlib.contextmanager
def scratch(name, within=None):
    """A temporary directory, removed at the end unless MIDAIR_KEEP is set."""
    path = pathlib.Path(tempfile.mkdtemp(prefix=f"midair-{name}-", dir=within))
    try:
        yield path
    finally:
        if not os.environ.get("MIDAIR_KEEP"):
            shutil.rmtree(path, ignore_errors=True)


class Interruption:
    """Turns the first signal into SystemExit, which unwinds through every context manager; further ones don't disturb
    that."""

    held, pending = 0, None

    @classmethod
    def install(cls):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, cls.handle)

    @classmethod
    def handle(cls, number, _):
        if cls.pending:
            return
        cls.pending = number
        if not cls.held:
            sys.exit(128 + number)


@contextlib.contextmanager
def uninterrupted():
    """Within it no signal unwinds: a process that is being started gets its owner first."""
    Interruption.held += 1
    try:
        yield
    finally:
        Interruption.held -= 1
        if not Interruption.held and Interruption.pending:
            sys.exit(128 + Interruption.pending)


class Port:
    """A TCP port on 127.0.0.1 that no other test takes meanwhile, also while nobody listens there: an abstract Unix
    socket named after it stands for the claim, and goes with its process."""

    def __init__(self):
        for number in random.sample(range(23000, 32000), 2000):  # below outgoing connections, above with-s3
            self._claim = socket.socket(socket.AF_UNIX)
            try:
                self._claim.bind(f"\0midair-test-port-{number}")
                with socket.socket() as probe:
                    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                    probe.bind(("127.0.0.1", number))
                self.number = number
                return
            except OSError:
                self._claim.close()
        raise RuntimeError("no free port")

    def close(self):
        self._claim.close()


def counter_release(directory, version):
    """Puts `version` of the example app together in `directory`, which is returned."""
    directory = pathlib.Path(directory)
    directory.mkdir(parents=True)
    for name in ("server.py", "handover.py", "state.py", f"{version}/release.py"):
        shutil.copy(COUNTER / name, directory)
    return directory


def processes_of(marker):
    """Ids of all processes whose environment contains MIDAIR_TEST_MACHINE=`marker`."""
    wanted = f"MIDAIR_TEST_MACHINE={marker}".encode()
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            with contextlib.suppress(OSError):
                if wanted in pathlib.Path("/proc", entry, "environ").read_bytes().split(b"\0"):
                    found.append(int(entry))
    return found


class Machine:
    """One local machine. start() and stop() may be called again and again; close() leaves nothing behind."""

    def __init__(self, root, name, store, base_dir, *, app="counter", image="registry.fly.io/counter:deployment-01BASE",
                 region="fra", command=("./server.py",), options=(), env=None, wrapper=(), passed=True, program=None):
        self.name = name
        self.root = pathlib.Path(root) / name
        self.root.mkdir(parents=True)
        self.state_dir = self.root / "state"
        self.control = self.root / "control.sock"
        self.log_path = self.root / "sidecar.log"
        self.app, self.store, self.base_dir, self.command = app, store, base_dir, list(command)
        self.image, self.region = image, region
        self.options = {"--poll-interval": "200ms", "--probation": "500ms", "--drain-timeout": "10s",
                        "--ready-timeout": "10s", **dict(options)}
        self.env = env or {}
        self.wrapper = list(wrapper)
        self.passed = passed  # whether the app takes LISTEN_FDS; else it binds PORT
        self.program = program or build_dir() / "bin/midair-sidecar"
        self._asked_by = [*self.wrapper, program] if program else [self.program]  # it may be there for the wrapper only
        self._port = Port()
        self.port = self._port.number
        self.process = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    # -- life

    def start(self, **popen):
        """Starts the sidecar, with further arguments for Popen; does not wait for the app."""
        arguments = [self.program, "run", "--app", self.app, "--store", self.store,
                     "--state-dir", self.state_dir, "--base-dir", self.base_dir, "--control", self.control]
        if self.passed:
            arguments += ["--listen", f"127.0.0.1:{self.port}"]
        for option, value in self.options.items():
            if value is not None:
                arguments += [option] + ([value] if value != "" else [])
        env = {**os.environ, "FLY_APP_NAME": self.app, "FLY_MACHINE_ID": self.name, "FLY_REGION": self.region,
               "FLY_IMAGE_REF": self.image, "FLY_PROCESS_GROUP": "app", "MIDAIR_TEST_MACHINE": str(self.root),
               "PYTHONDONTWRITEBYTECODE": "1", "PORT": str(self.port), **self.env}
        with open(self.log_path, "ab") as log, uninterrupted():
            self.process = subprocess.Popen([*self.wrapper, *map(str, arguments), "--", *self.command], env=env,
                                            stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True,
                                            **popen)
        return self

    def stop(self, number=signal.SIGTERM, timeout=20):
        """Asks the sidecar to stop and returns its exit status; -9 if it had to be killed."""
        if self.process is None:
            return None
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            return self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            return -signal.SIGKILL

    def kill(self):
        """The machine loses power: sidecar first, then all that it started."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
        self.kill_leftovers()

    def kill_leftovers(self):
        def gone():
            for pid in self.processes():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            return not self.processes()
        wait_until(gone, f"processes of {self.name} to end")

    def close(self):
        if self.process is not None and self.process.poll() is None:
            self.stop(timeout=8)
        self.kill_leftovers()
        self._port.close()

    def processes(self):
        return processes_of(self.root)

    # -- looking at it

    def request(self, method="GET", path="/", body=None, timeout=5.0):
        """(status, headers, body) of one request on a connection of its own."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request(method, path, body=body)
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()
        finally:
            connection.close()

    def get(self, path="/"):
        """The JSON that the app answers, or None where it does not."""
        try:
            status, _, body = self.request("GET", path)
            return json.loads(body) if status == 200 else None
        except (OSError, http.client.HTTPException, ValueError):
            return None

    def version(self):
        answer = self.get()
        return answer and answer.get("version")

    def wait_for_version(self, version, timeout=15.0):
        wait_until(lambda: self.version() == version, lambda: f"{self.name} to serve {version}: {self.tail()}",
                   timeout)

    def status(self):
        """What `midair-sidecar status --json` says, or None."""
        done = subprocess.run([*self._asked_by, "status", "--json", "--control", self.control], capture_output=True,
                              check=False, timeout=10)
        return json.loads(done.stdout) if done.returncode == 0 else None

    def wait_for_polls(self, number=2):
        """Until the sidecar has looked at the store that many times more."""
        for _ in range(number):
            before = self.status()["poller"]["polls"]
            subprocess.run([*self._asked_by, "poll-now", "--control", self.control], check=True, capture_output=True,
                           timeout=10)
            wait_until(lambda before=before: self.status()["poller"]["polls"] > before, self.tail)

    def file(self, name):
        """A JSON file of the state directory ("marker.json", "journal.json"), or None."""
        try:
            return json.loads((self.state_dir / name).read_bytes())
        except (OSError, ValueError):
            return None

    def log(self):
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def tail(self, lines=15):
        return "\n".join([f"last lines of {self.log_path}:", *self.log().splitlines()[-lines:]])


class FileStore:
    """A file:// store and a look into it."""

    def __init__(self, directory, app="counter"):
        self.directory = pathlib.Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.address = f"file://{self.directory}"
        self.releases = self.directory / "releases"
        self.app = app

    @property
    def pointer_path(self):
        return self.releases / f"{self.app}-current.json"

    def tarball_path(self, version):
        return self.releases / f"{self.app}-{version}.tar.gz"

    def pointer(self):
        return self._json(self.pointer_path)

    def write_pointer(self, text):
        temporary = self.pointer_path.with_suffix(".new")
        temporary.write_text(text)
        temporary.rename(self.pointer_path)

    def edited_pointer(self, image=None, **changes):
        """The published pointer as another upgrade with a higher sequence, with `changes`, for base image `image`."""
        pointer = self.pointer()
        upgrade = pointer["hot_upgrade"]
        sequence = upgrade["sequence"] + 1
        upgrade.update({"sequence": sequence, "source_image_ref": f"counter:deployment-01FORGED{sequence}", **changes})
        pointer["image_ref"] = image or pointer["image_ref"]
        return pointer

    def record(self, machine):
        return self._json(self.releases / f"{self.app}-machines" / f"{machine}.json")

    def lock(self):
        return self._json(self.releases / f"{self.app}-deploy.lock")

    def results(self, machine):
        """All results of `machine`, oldest first."""
        paths = (self.releases / f"{self.app}-results").glob(f"*/{machine}.json")
        found = [result for result in map(self._json, paths) if result]
        return sorted(found, key=lambda result: (result.get("sequence", 0), result.get("started_at", "")))

    def result(self, machine, version):
        """The latest result of `machine` for `version`, or None."""
        return next((r for r in reversed(self.results(machine)) if r.get("version") == version), None)

    def wait_for_result(self, machine, version, status, timeout=15.0):
        def reached():
            result = self.result(machine, version)
            return result if result and result["status"] == status else None
        try:
            return wait_until(reached, "", timeout)
        except TimeoutError:
            raise AssertionError(f"{machine} has no {status} result for {version}: {self.results(machine)}") from None

    def wait_for_error(self, machine, version, timeout=15.0):
        """The result that says what went wrong, whether that is final or will be tried again."""
        def failed():
            result = self.result(machine, version)
            return result if result and result.get("error") else None
        return wait_until(failed, lambda: f"{machine} to fail with {version}: {self.results(machine)}", timeout)

    @staticmethod
    def _json(path):
        try:
            return json.loads(path.read_bytes())
        except (OSError, ValueError):
            return None


class Agent:
    """Runs `midair` against one store."""

    def __init__(self, store, app="counter", cwd=None, env=None):
        self.store, self.app, self.cwd, self.env = store, app, cwd, env or {}

    def command(self, *arguments):
        return [str(build_dir() / "bin/midair"), *map(str, arguments), "--app", self.app, "--store", self.store]

    def hot(self, directory, version, *options):
        return self.command("hot", "--from", directory, "--version", version, *options)

    def environment(self):
        """Without the settings of whoever runs the tests."""
        inherited = {key: value for key, value in os.environ.items() if not key.startswith(("FLY_", "MIDAIR_STORE"))}
        return {**inherited, **self.env}

    def run_hot(self, directory, version, *options, timeout=90):
        """Publishes and follows an upgrade; returns the finished process."""
        return subprocess.run(self.hot(directory, version, *options), capture_output=True, text=True, check=False,
                              timeout=timeout, env=self.environment(), cwd=self.cwd)


    def status(self):
        """What `midair status` says of the machines, by id; {} where it says nothing."""
        done = subprocess.run(self.command("status", "--json"), capture_output=True, check=False, timeout=30,
                              env=self.environment(), cwd=self.cwd)
        machines = json.loads(done.stdout)["machines"] if done.returncode == 0 else []
        return {machine["machine_id"]: machine for machine in machines}


class Load:
    """Steady requests on one machine, from start() or `with` until finish()."""

    def __init__(self, port, log_path, *options):
        self.command = [str(build_dir() / "bin/midair-load"), str(port), *map(str, options)]
        self.log_path = pathlib.Path(log_path)
        self.process = None
        self.summary = None

    def __enter__(self):
        self._log = open(self.log_path, "w+", encoding="utf-8")
        self.process = subprocess.Popen([*self.command, "--live"], stdout=self._log, stderr=self._log)
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self._log.close()

    def latest(self):
        """The newest counts, at most a second old; {} at first."""
        lines = [line for line in self.log_path.read_text(encoding="utf-8").splitlines(True) if line.endswith("\n")]
        return json.loads(lines[-1]) if lines else {}

    def wait_for_requests(self, number, timeout=15.0):
        wait_until(lambda: self.latest().get("requests", 0) >= number, f"{number} requests", timeout)

    def finish(self, timeout=40):
        """Ends the load once what was begun is answered, and returns the summary."""
        if self.summary is None:
            self.process.send_signal(signal.SIGINT)
            self.process.wait(timeout)
            self.summary = self.latest()
        return self.summary
