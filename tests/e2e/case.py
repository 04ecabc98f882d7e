"""What the e2e tests share: a temporary directory, a store, machines, and releases to ship."""

import concurrent.futures
import contextlib
import http.client
import re
import threading
import unittest

from fleet import Agent, FileStore, Load, Machine, counter_release, scratch, wait_until

# answers.py of a release whose server is a test's own.
ANSWERS = """import http.server, json

class JsonHandler(http.server.BaseHTTPRequestHandler):
    disable_nagle_algorithm = True
    wbufsize = 8192

    def answer(self, content, status=200):
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass
"""
NEVER_READY = "#!/bin/sh\nexec sleep 1000\n"
DIES_AT_ONCE = "#!/bin/sh\necho 'no such database' >&2\nexit 3\n"


class FleetCase(unittest.TestCase):
    """One test with its own store and machines; whatever it started is gone afterwards."""

    maxDiff = None

    def setUp(self):
        self.resources = contextlib.ExitStack()
        self.addCleanup(self.resources.close)
        self.root = self.resources.enter_context(scratch(type(self).__name__.lower()))
        self.store = FileStore(self.root / "store")
        self.address = self.store.address
        self.machines = {}

    @property
    def agent(self):
        return Agent(self.address, cwd=self.root)

    # -- releases

    def release(self, version, **files):
        """A release of the counter app that calls itself `version`; `files` (server="...") replace or add some."""
        directory = self.root / f"release-{version}"
        if not directory.exists():
            counter_release(directory, "v2")
            source = (directory / "release.py").read_text()
            (directory / "release.py").write_text(re.sub('VERSION = ".*"', f'VERSION = "{version}"', source))
        for name, text in files.items():
            path = directory / f"{name}.py"
            path.write_text(text)
            path.chmod(0o755)
        return directory

    def broken_release(self, version):
        """A release that says it is ready and dies before its first accept."""
        directory = self.release(version)
        source = (directory / "release.py").read_text()
        bug = 'def start_up(state):\n    raise RuntimeError("a bug that only shows once it runs")\n\n\ndef old_start_up'
        (directory / "release.py").write_text(source.replace("def start_up", bug))
        return directory

    # -- machines and load

    def machine(self, name="m1", **settings):
        """A machine whose base image calls itself base; not yet started."""
        settings.setdefault("base_dir", self.release("base"))
        machine = Machine(self.root, name, self.address, **settings)
        self.resources.callback(self.assert_no_sanitizer_complained, machine)
        self.machines[name] = self.resources.enter_context(machine)
        return machine

    def started(self, name="m1", **settings):
        """The same, serving and known to the store."""
        machine = self.machine(name, **settings).start()
        machine.wait_for_version("base")
        wait_until(lambda: machine.name in self.agent.status(), machine.tail)
        return machine

    def load(self, machine, *options):
        options = options or ("--connections", "10", "--think", "10ms", "--streams", "1")
        return self.resources.enter_context(Load(machine.port, machine.root / "load.ndjson", *options))

    @contextlib.contextmanager
    def asking(self, machine, asks, cut=0):
        """Calls each of `asks` on a thread of its own, again and again, never twice for one answer; yields what they
        return, in order. So many may fail."""
        stop, seen, failed = threading.Event(), [], []

        def go_on(ask):
            while not stop.is_set():
                try:
                    seen.append(ask())
                except (OSError, http.client.HTTPException) as error:
                    failed.append(repr(error))
        threads = [threading.Thread(target=go_on, args=(ask,)) for ask in asks]
        for thread in threads:
            thread.start()
        try:
            yield seen
        finally:
            stop.set()
            for thread in threads:
                thread.join()
        self.assertLessEqual(len(failed), cut, f"{failed} {machine.tail(40)}")

    # -- shipping

    def hot(self, version, *options, directory=None):
        return self.agent.run_hot(directory or self.release(version), version, "--timeout", "60s", *options)

    def publish(self, version, **settings):
        """An upgrade that must succeed everywhere."""
        done = self.hot(version, **settings)
        logs = "\n".join(machine.tail() for machine in self.machines.values())
        self.assertEqual(done.returncode, 0, f"midair hot: {done.stdout}\n{done.stderr}\n{logs}")
        return done

    def assert_no_sanitizer_complained(self, machine):
        self.assertNotRegex(machine.log(), r"(Address|Leak|Thread)Sanitizer|runtime error:")

    def assert_unharmed(self, machine, load):
        """Nothing failed, and the app remembers each message that it acknowledged."""
        summary = load.finish()
        self.assertEqual((summary["failures"], summary["failure_samples"]), (0, []), machine.tail(40))
        self.assertGreater(summary["requests"], 0)
        self.assertEqual(machine.get()["count"], summary["posts"])
        return summary


FAULT_ACTIONS = ("error", "kill", "hang", "enospc", "eio")


def survive_all(test, case, points):
    """Runs `case().survive(point, action)` for every fault point and action, each with a store of its own."""
    side_by_side(test, case, case.survive, [(point, action) for point in points for action in FAULT_ACTIONS],
                 number=8)


def side_by_side(test, case, survive, cells, number=4):
    """Runs `survive(case(), *cell)` for every cell, that many at a time, each with a store of its own."""
    def run(cell):
        one = case()
        one.setUp()
        with contextlib.closing(one.resources):
            survive(one, *cell)

    with concurrent.futures.ThreadPoolExecutor(number) as pool:
        runs = {cell: pool.submit(run, cell) for cell in cells}
    for cell, done in runs.items():
        with test.subTest(" ".join(map(str, cell))):
            done.result()
