"""What the tests of `midair hot` and `midair status` share: a file:// store, and machines that are played by hand."""

import datetime
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import threading
import time
import unittest

from looks import Looks

MIDAIR = pathlib.Path(os.environ["MIDAIR_BUILD"]) / "bin" / "midair"
BASE = "registry.fly.io/web:deployment-01JBASE"


def now(offset=0):
    time_of_day = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=offset)
    return time_of_day.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def upgrade_id_of(source_image_ref):
    return source_image_ref.rsplit("deployment-", 1)[1]


class HotTest(unittest.TestCase):
    """Each test has a store, a release and an environment of its own."""

    def setUp(self):
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="midair-hot-test-"))
        self.addCleanup(shutil.rmtree, self.root)
        self.store = self.root / "store"
        self.store.mkdir()
        self.release = self.root / "release"
        self.release.mkdir()
        self.tmp = self.root / "tmp"
        self.tmp.mkdir()
        (self.release / "app.sh").write_text("echo one\n")
        self.env = {"PATH": os.environ["PATH"], "HOME": str(self.root), "TMPDIR": str(self.tmp)}
        for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS"):
            if name in os.environ:
                self.env[name] = os.environ[name]

    # --- the agent

    def command(self, *args):
        return [str(MIDAIR), "--store", f"file://{self.store}", "--app", "web", *map(str, args)]

    def midair(self, *args):
        return subprocess.run(self.command(*args), cwd=self.root, env=self.env, timeout=60, text=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def start(self, *args):
        process = subprocess.Popen(self.command(*args), cwd=self.root, env=self.env, text=True,
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for clean_up in (process.stderr.close, process.stdout.close, process.wait, process.kill):
            self.addCleanup(clean_up)
        return process

    def hot(self, *args):
        return self.midair("hot", "--from", self.release, *args)

    def events(self, result):
        return [json.loads(line) for line in result.stdout.splitlines()]

    def assert_status(self, expected, result):
        self.assertEqual(expected, result.returncode, result.stdout + result.stderr)

    # --- the store

    def path(self, name):
        return self.store / "releases" / f"web-{name}"

    def put(self, name, text):
        path = self.path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = self.root / f"object-{threading.get_ident()}"
        temporary.write_text(text if isinstance(text, str) else json.dumps(text))
        temporary.rename(path)

    def pointer(self):
        return json.loads(self.path("current.json").read_text())

    def objects(self):
        return {str(path.relative_to(self.store)): path.read_bytes()
                for path in self.store.rglob("*") if path.is_file() and ".midair" not in path.parts}

    # --- machines

    def check_in(self, *ids, **fields):
        for machine_id in ids:
            record = {"machine_id": machine_id, "region": "iad", "process_group": "app", "base_image_ref": BASE,
                      "hot_ref": "", "version": "", "digest": "", "sequence": 0, "fingerprint": "f" * 12,
                      "state": "serving", "sidecar_version": "1", "booted_at": now(-7200), "updated_at": now(-60)}
            self.put(f"machines/{machine_id}.json", {**record, **fields})

    def report(self, upgrade_id, machine_id, status, error=None, step="", **more):
        self.put(f"results/{upgrade_id}/{machine_id}.json",
                 {"machine_id": machine_id, "region": "iad", "status": status, "started_at": now(),
                  "applied_at": None if status == "pending" else now(), "error": error,
                  "success": status == "completed", "modules_reloaded": 0, "module_names": [],
                  "processes_succeeded": 1, "processes_failed": 0, "process_names": [], "suspend_duration_ms": 9,
                  "total_duration_ms": 433, "step": step, "version": "v", "sequence": 1, **more})

    def wait_for_upgrade(self, last=None):
        """The id of the upgrade that the pointer names, once that is not `last`."""
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            try:
                upgrade_id = upgrade_id_of(self.pointer()["hot_upgrade"]["source_image_ref"])
                if upgrade_id != last:
                    return upgrade_id
            except FileNotFoundError:
                pass
            time.sleep(0.01)
        raise TimeoutError("nothing was published")

    def play(self, answers):
        """Answers the next upgrade: {machine: (status, error)}."""
        last = None
        if self.path("current.json").exists():
            last = upgrade_id_of(self.pointer()["hot_upgrade"]["source_image_ref"])

        def answer():
            upgrade_id = self.wait_for_upgrade(last)
            for machine_id in answers:
                self.report(upgrade_id, machine_id, "pending")
            with Looks(self.path(f"results/{upgrade_id}")) as looks:
                looks.wait()
            for machine_id, (status, error) in answers.items():
                self.report(upgrade_id, machine_id, status, error)

        player = threading.Thread(target=answer)
        player.start()
        self.addCleanup(player.join)

    def play_completed(self, *ids):
        self.play({machine_id: ("completed", None) for machine_id in ids})
