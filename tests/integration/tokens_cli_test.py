"""Drives the shipped `midair tokens` beside a fake `fly`, and looks for tokens wherever they must not be."""

import contextlib
import json
import os
import pathlib
import pty
import resource
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

SUPPORT = pathlib.Path(__file__).resolve().parent.parent / "support"
sys.path.insert(0, str(SUPPORT))

from fake_fly import FakeFly  # noqa: E402

BUILD = pathlib.Path(os.environ["MIDAIR_BUILD"])
MIDAIR = BUILD / "bin" / "midair"
DEADLINE = 60  # seconds
CANARIES = {"environment": "fo1_canary-environment", "config": "fm2_canary-config", "minted": "fm2_canary-minted",
            "manual": "fo1_canary-manual-0123456789", "password": "canary-password"}


class TokensTest(unittest.TestCase):
    """Each test has a home, a `fly` on its PATH and an environment of its own. All that midair says is kept."""

    def setUp(self):
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="midair-tokens-test-"))
        self.addCleanup(shutil.rmtree, self.root)
        self.home = self.root / "home"
        self.home.mkdir()
        self.fly = FakeFly(self.root / "bin")
        self.env = {"PATH": f"{self.fly.directory}:{os.environ['PATH']}", "HOME": str(self.home),
                    "MIDAIR_LOG_LEVEL": "debug"}
        for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS"):
            if name in os.environ:
                self.env[name] = os.environ[name]
        self.said = ""
        self.directory = self.home / ".local/state/midair/tokens"

    def command(self, *args):
        return [str(MIDAIR), "--app", "web", "tokens", *args]

    def midair(self, *args, stdin="", **env):
        done = subprocess.run(self.command(*args), cwd=self.root, env={**self.env, **env}, timeout=DEADLINE, text=True,
                              input=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
        self.said += done.stderr if "--reveal" in args else done.stdout + done.stderr
        return done

    def ok(self, *args, **options):
        done = self.midair(*args, **options)
        self.assertEqual(0, done.returncode, done.stderr)
        return done.stdout

    def get(self, **env):
        return json.loads(self.ok("get", "--reveal", "--json", **env))

    def write_config(self, text, directory=None):
        directory = directory or self.home / ".fly"
        directory.mkdir(exist_ok=True)
        (directory / "config.yml").write_text(text)

    # --- the chain

    def test_the_first_source_that_has_a_token_wins(self):
        self.ok("set", stdin="fo1_manual")
        self.fly.plan(error="Error: no access token available. Please login with 'flyctl auth login'")
        self.assertEqual(("fo1_manual", "bearer"), (self.get()["token"], self.get()["kind"]))
        self.fly.plan(token="FlyV1 fm2_minted")
        self.write_config("access_token: fm2_config,fo1_login\nlast_login: 2026-01-01\n")
        got = self.get()
        self.assertEqual(("fm2_config,fo1_login", "macaroon"), (got["token"], got["kind"]))
        self.assertEqual(str(self.home / ".fly/config.yml"), got["source"])
        self.assertEqual("fo1_api", self.get(FLY_API_TOKEN="fo1_api")["token"])
        self.assertEqual("environment FLY_ACCESS_TOKEN",
                         self.get(FLY_API_TOKEN="fo1_api", FLY_ACCESS_TOKEN="Bearer FlyV1 fm2_access")["source"])
        self.write_config("access_token: fm2_elsewhere\n", self.root / "elsewhere")
        self.assertEqual("fm2_elsewhere", self.get(FLY_CONFIG_DIR=str(self.root / "elsewhere"))["token"])

    def test_a_minted_token_is_kept_for_the_next_command(self):
        first = self.get()
        self.assertEqual(("fm2_minted-1", "fly tokens create"), (first["token"], first["source"]))
        self.assertRegex(first["expires_at"], r"^\d{4}-\d\d-\d\dT")
        self.assertEqual("fm2_minted-1", self.get(FLY_API_TOKEN="fo1_later")["token"])
        self.assertEqual(1, len(self.fly.calls()))
        self.assertEqual(["tokens", "create", "readonly", "-x", "24h", "--json"], self.fly.calls()[0]["argv"])

    def test_sources_are_switched_off_and_reordered(self):
        self.ok("set", stdin="fo1_manual")
        self.write_config("access_token: fm2_config\n")
        self.assertEqual("fo1_manual", self.get(MIDAIR_TOKENS_SOURCES="manual, config")["token"])
        self.assertEqual("fm2_config", self.get(MIDAIR_TOKENS_SOURCES="config,manual")["token"])
        self.assertEqual("fm2_minted-1", self.get(MIDAIR_TOKENS_SOURCES="command")["token"])
        self.assertIn("'cloud' is no source", self.midair("get", MIDAIR_TOKENS_SOURCES="store,cloud").stderr)

    def test_without_any_token_the_error_says_why_for_each_source(self):
        self.fly.plan(error="Error: no access token available. Please login with 'flyctl auth login'")
        none = self.midair("get")
        self.assertEqual(66, none.returncode)
        for words in ("store: it holds none", "neither FLY_ACCESS_TOKEN nor FLY_API_TOKEN", "config: ",
                      "no access token available", "Try: ", "midair tokens set"):
            self.assertIn(words, none.stderr)

    def test_flyctl_by_either_name_or_as_configured(self):
        self.fly.path.rename(self.fly.directory / "flyctl")
        self.assertEqual("fm2_minted-1", self.get(PATH=str(self.fly.directory) + ":/usr/bin")["token"])
        other = FakeFly(self.root / "other", "my-fly")
        other.plan(token="fm2_other")
        self.ok("invalidate")
        self.assertEqual("fm2_other", self.get(MIDAIR_TOKENS_FLY=str(other.path), FLY_ORG="acme")["token"])
        self.assertEqual(["--org", "acme"], other.calls()[0]["argv"][6:])

    def test_a_fly_that_hangs_is_ended_with_all_it_started(self):
        self.fly.plan(hang=True)
        for timeout in ("2s", "10s", "50s"):  # long enough for fly to start, on a busy machine too
            (self.root / "midair.yaml").write_text(f"tokens: {{command_timeout: {timeout}}}\n")
            self.assertIn("command: it did not end in time", self.midair("get").stderr)
            if self.fly.hanging():
                break
        self.assertEqual(2, len(self.fly.hanging()))
        self.await_end(self.fly.hanging())

    def test_an_interrupt_ends_fly_too(self):
        self.fly.plan(hang=True)
        process = subprocess.Popen(self.command("get"), cwd=self.root, env=self.env, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        with process:
            self.until(self.fly.hanging)
            process.send_signal(signal.SIGINT)
            self.assertIn("interrupted", process.communicate(timeout=DEADLINE)[1])
        self.assertEqual(130, process.returncode)
        self.await_end(self.fly.hanging())

    # --- the commands

    def test_refresh_invalidate_and_delete(self):
        self.ok("set", stdin="fo1_manual")
        self.assertEqual("fm2_minted-1", self.get()["token"])
        self.assertEqual("fm2_minted-2", json.loads(self.ok("refresh", "--reveal", "--json"))["token"])
        self.assertEqual("fm2_minted-2", self.get()["token"])
        self.ok("invalidate")
        self.assertEqual("fm2_minted-3", self.get()["token"])
        self.assertEqual(["acquired", "manual"], [entry["slot"] for entry in self.list()])
        self.ok("delete")
        self.assertEqual([], self.list())
        self.assertEqual("no tokens are stored\n", self.ok("list"))

    def list(self, *args):
        return [json.loads(line) for line in self.ok("list", "--json", *args).splitlines()]

    def test_tokens_are_masked_unless_revealed(self):
        long = "fo1_" + "x" * 60
        self.ok("set", stdin=long)
        for command in (("get",), ("get", "--json"), ("list",), ("list", "--json")):
            out = self.ok(*command, MIDAIR_TOKENS_SOURCES="manual")
            self.assertIn("fo1_xxxx...(64)", out)
            self.assertNotIn(long, out)
        self.assertEqual(long + "\n", self.ok("get", "--reveal", MIDAIR_TOKENS_SOURCES="manual"))
        self.assertIn(long, self.ok("list", "--reveal"))

    def test_a_token_is_asked_for_without_echo(self):
        leader, follower = pty.openpty()
        process = subprocess.Popen(self.command("set"), cwd=self.root, env=self.env, stdin=follower, stdout=follower,
                                   stderr=follower, start_new_session=True)
        os.close(follower)
        seen = b""
        with process:
            while b"Token for web: " not in seen:
                self.assertTrue(select.select([leader], [], [], DEADLINE)[0], seen)
                seen += os.read(leader, 1000)
            os.write(leader, b"FlyV1 fm2_typed-by-hand-0123456789\n")
            try:
                while chunk := os.read(leader, 1000):
                    seen += chunk
            except OSError:
                pass  # how a terminal says that nobody has it open any more
        os.close(leader)
        self.assertEqual(0, process.returncode, seen)
        self.assertNotIn(b"typed-by-hand", seen)
        self.assertEqual("fm2_typed-by-hand-0123456789", self.get(MIDAIR_TOKENS_SOURCES="manual")["token"])

    def test_what_is_no_whole_token_is_refused(self):
        for text, status, words in (("", 65, "empty"), ("FlyV1 \n", 65, "empty"), ("two words", 65, "white space"),
                                    ("fm2_lJPECAAAAAAA", 65, "cut short")):
            refused = self.midair("set", stdin=text)
            self.assertEqual(status, refused.returncode)
            self.assertIn(words, refused.stderr)
        self.assertEqual([], self.list())

    def test_a_token_on_the_command_line_is_refused_and_not_repeated(self):
        refused = self.midair("set", CANARIES["manual"])
        self.assertEqual(64, refused.returncode)
        self.assertNotIn(CANARIES["manual"], refused.stderr)

    def test_a_token_that_could_not_be_stored_is_an_error(self):
        self.directory.parent.mkdir(parents=True)
        self.directory.write_text("in the way")
        failed = self.midair("set", stdin="fo1_x")
        self.assertNotEqual(0, failed.returncode)
        self.assertIn(str(self.directory), failed.stderr)
        failed = self.midair("set", stdin="fo1_x", MIDAIR_TOKENS_STORE="nobody's")
        self.assertIn("token-store:nobody's", failed.stderr)

    def test_a_store_that_others_may_read_is_refused(self):
        self.ok("set", stdin="fo1_x")
        (self.directory / "tokens.db").chmod(0o640)
        for command in ("get", "list", "set"):
            refused = self.midair(command, stdin="fo1_y")
            self.assertEqual(77, refused.returncode, command)
            self.assertIn("chmod 0600", refused.stderr)

    def test_tokens_are_kept_in_postgresql(self):
        """Through the shipped plugin, which loads what speaks with PostgreSQL from beside itself."""
        script = ('export MIDAIR_TOKENS_STORE=postgresql MIDAIR_TOKENS_POSTGRESQL="$MIDAIR_TEST_POSTGRESQL"; '
                  'echo fo1_shared | "$0" --app web tokens set && "$0" --json tokens list --reveal')
        done = subprocess.run([str(SUPPORT / "postgresql/with-postgresql"), "/bin/sh", "-c", script, str(MIDAIR)],
                              cwd=self.root, env=self.env, timeout=DEADLINE, capture_output=True, text=True, check=False)
        self.assertEqual(0, done.returncode, done.stderr)
        stored, listed = done.stdout.splitlines()
        self.assertRegex(stored, r"^stored \*\*\* for web in postgresql midair at /")
        self.assertEqual(("web", "manual", "fo1_shared"),
                         tuple(json.loads(listed)[field] for field in ("app", "slot", "token")))
        self.assertFalse(self.directory.exists())

    # --- tokens where they don't belong

    def test_no_token_leaves_by_any_door(self):
        """Walks through every command and every failure with tokens that are easy to find again."""
        self.fly.plan(token=CANARIES["minted"] + "-@-0123456789012345678901234567890")
        self.write_config(f"access_token: {CANARIES['config']}\nwire_guard_state: [broken\n")
        environment = {"FLY_API_TOKEN": CANARIES["environment"], "AWS_SECRET_ACCESS_KEY": CANARIES["password"],
                       "OTHER_VARIABLE": f"Bearer {CANARIES['environment']}"}
        postgresql = {"MIDAIR_TOKENS_STORE": "postgresql", "MIDAIR_TOKENS_POSTGRESQL":
                      f"host=/nowhere dbname=midair user=midair password={CANARIES['password']}"}
        command_first = {"MIDAIR_TOKENS_SOURCES": "command,environment,config,manual"}
        self.midair("set", stdin=CANARIES["manual"])
        for command in ("get", "list", "refresh", "invalidate", "get", "delete"):
            for more in ({}, command_first, postgresql):
                for json_flag in ((), ("--json",)):
                    self.midair(command, *json_flag, **environment, **more)
        self.fly.plan(error=f"Error: bad token {CANARIES['minted']}-0123456789")
        self.midair("get", **environment, **command_first)
        self.midair("set", CANARIES["manual"])
        self.midair(CANARIES["manual"])
        self.midair("set", stdin=CANARIES["manual"] + " " + CANARIES["manual"])
        self.midair("get", **postgresql)
        for name, canary in CANARIES.items():
            self.assertNotIn(canary, self.said, name)
        self.assertTrue(self.fly.calls())
        for call in self.fly.calls():
            for name, canary in CANARIES.items():
                self.assertNotIn(canary, json.dumps(call), name)
        self.assert_files_without(CANARIES)

    def assert_files_without(self, canaries):
        """The store, flyctl's own files and the fake's plan may know them; nothing else."""
        allowed = {self.home / ".fly/config.yml", self.fly.directory / "plan.json"}
        for path in self.root.rglob("*"):
            if path.is_file() and path not in allowed and self.directory not in path.parents:
                text = path.read_bytes()
                for name, canary in canaries.items():
                    self.assertNotIn(canary.encode(), text, f"{name} in {path}")

    def test_no_process_shows_a_token_while_fly_runs(self):
        self.fly.plan(hang=True)
        env = {**self.env, "FLY_ACCESS_TOKEN": CANARIES["environment"], "MIDAIR_TOKENS_SOURCES": "command"}
        process = subprocess.Popen(self.command("get"), cwd=self.root, env=env, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        with process:
            self.until(self.fly.hanging)
            for pid in [process.pid, *self.fly.hanging()]:
                shown = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()
                if pid != process.pid:
                    shown += pathlib.Path(f"/proc/{pid}/environ").read_bytes()
                self.assertTrue(shown)
                self.assertNotIn(b"canary", shown)
            self.assertEqual(0, os.stat(f"/proc/{process.pid}/environ").st_uid)  # PR_SET_DUMPABLE 0: root's, not ours
            process.send_signal(signal.SIGINT)
            process.wait(DEADLINE)
        self.await_end(self.fly.hanging())

    def test_a_crash_leaves_no_core(self):
        self.fly.plan(hang=True)
        hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
        process = subprocess.Popen(self.command("get"), cwd=self.root, env=self.env, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                   preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CORE, (hard, hard)))
        self.until(self.fly.hanging)
        process.send_signal(signal.SIGABRT)
        _, status = os.waitpid(process.pid, 0)
        process.returncode = status
        for pid in self.fly.hanging():
            with contextlib.suppress(ProcessLookupError):  # whom midair's end ended too
                os.kill(pid, signal.SIGKILL)
        self.assertEqual(signal.SIGABRT, os.WTERMSIG(status))
        self.assertFalse(os.WCOREDUMP(status))

    # --- helpers

    def until(self, condition):
        deadline = time.monotonic() + DEADLINE
        while not condition():
            self.assertLess(time.monotonic(), deadline, "it never came to that")
            time.sleep(0.01)

    def await_end(self, pids):
        """Ended, or a zombie that somebody else has to bury."""
        def living(pid):
            try:
                return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
            except (FileNotFoundError, ProcessLookupError):
                return False
        self.until(lambda: not any(living(pid) for pid in pids))


if __name__ == "__main__":
    unittest.main()
