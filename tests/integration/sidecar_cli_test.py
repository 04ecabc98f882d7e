"""What people and scripts see of midair-sidecar's command line: help, version, errors, exit statuses."""

import json
import os
import pathlib
import subprocess
import tempfile
import unittest

BUILD = pathlib.Path(os.environ["MIDAIR_BUILD"])
SIDECAR = BUILD / "bin" / "midair-sidecar"
VERSION = next(line.split("=")[1].strip() for line in (BUILD / "CMakeCache.txt").read_text().splitlines()
               if line.startswith("CMAKE_PROJECT_VERSION:"))


class SidecarCli(unittest.TestCase):
    def sidecar(self, *args, **env):
        kept = {name: os.environ[name] for name in ("PATH", "ASAN_OPTIONS", "LSAN_OPTIONS") if name in os.environ}
        return subprocess.run([SIDECAR, *args], env={**kept, **env}, text=True, capture_output=True, timeout=60)

    def test_version_is_the_projects(self):
        for args in (["--version"], ["status", "--version"]):
            result = self.sidecar(*args)
            self.assertEqual((0, f"midair-sidecar {VERSION}\n", ""), (result.returncode, result.stdout, result.stderr))

    def test_help_names_every_option_with_default_and_variable(self):
        for args in (["--help"], ["-h"], ["help"]):
            self.assertIn("protocol-check", self.sidecar(*args).stdout)
        page = self.sidecar("help", "run").stdout
        self.assertEqual(page, self.sidecar("run", "--help").stdout)
        self.assertIn("--probation DURATION", page)
        self.assertIn("(default: 30s) [MIDAIR_WATCHDOG]", page)
        self.assertIn("midair-sidecar run --listen 0.0.0.0:8080 -- ./server\n", page)

    def test_the_manual_page_holds_all_of_it_and_troff_has_no_complaint(self):
        page = self.sidecar("help", "--man")
        shown = subprocess.run(["groff", "-man", "-Tascii", "-P-cbou", "-wall"], input=page.stdout, text=True,
                               capture_output=True, timeout=60, check=True)
        self.assertEqual("", shown.stderr)
        for words in ("midair-sidecar - run an app", "--suspend-timeout DURATION", "--only TEXT", "EXIT STATUS"):
            self.assertIn(words, " ".join(shown.stdout.split()))

    def expect(self, status, args, *sentences, **env):
        result = self.sidecar(*args, **env)
        self.assertEqual((status, ""), (result.returncode, result.stdout), result.stderr)
        for sentence in sentences:
            self.assertIn(sentence, result.stderr)
        answer = self.sidecar(args[0], "--json", *args[1:], **env) if args else self.sidecar("--json", **env)
        self.assertEqual((status, ""), (answer.returncode, answer.stdout))
        error = json.loads(answer.stderr)
        self.assertEqual({"error", "exit_status"}, set(error))
        self.assertEqual({"code", "op", "subject", "cause", "hint", "http_status", "request_id"}, set(error["error"]))
        self.assertEqual(status, error["exit_status"])

    def test_mistakes_are_answered_with_a_suggestion(self):
        self.expect(64, [], "no command is named")
        self.expect(64, ["statsu"], "cannot run midair-sidecar statsu: there is no such command\n",
                    "Try: midair-sidecar status\n")
        self.expect(64, ["status", "--jsn"], "--jsn", "Try: --json\n")
        self.expect(64, ["status", "now"], "now")
        self.expect(64, ["protocol-check"], "no program is named")

    def test_no_sidecar_is_status_69(self):
        with tempfile.TemporaryDirectory() as empty:
            self.expect(69, ["status", "--state-dir", empty], "midair-sidecar: cannot ")

    def test_run_says_what_is_wrong_with_a_setting(self):
        def run(*args, **env):
            result = self.sidecar("run", *args, "--", "./app", "--json", **env)
            self.assertEqual((78, ""), (result.returncode, result.stdout), result.stderr)
            return result.stderr
        self.assertIn("Try: set FLY_APP_NAME, or give --app NAME\n", run())
        self.assertIn("100ms", run("--app", "a", MIDAIR_SUSPEND_TIMEOUT="1ms"))
        self.assertIn("'loud'", run("--app", "a", "--log-level", "loud"))
        self.assertIn("there is no such signal", run("--app", "a", MIDAIR_STOP_SIGNAL="GRACEFULLY"))
        self.assertIn("--listen HOST:PORT", run("--app", "a", "--sockets", "off", MIDAIR_READY_TCP="1"))
        self.assertIn("adopt, pass or off", run("--app", "a", "--sockets", "take"))
        self.assertIn("--listen HOST:PORT", run("--app", "a", MIDAIR_SOCKETS="pass"))
        self.assertIn("leave one of the two out", run("--app", "a", "--sockets", "adopt", "--listen", "[::]:80"))
        for port, why in {"0": "from 1 to 65535", "65536": "from 1 to 65535", "http": "from 1 to 65535",
                          "80,81,80": "named twice"}.items():
            self.assertIn(why, run("--app", "a", "--port", port))
        self.assertIn("leave --port or --listen out", run("--app", "a", "--port", "80", "--listen", "[::]:80"))
        for path, why in {"app.sock": "not an absolute path", "/run/../app.sock": "not an absolute path", "/": "not an absolute",
                          "/run/" + 90 * "x": "longer than 90 bytes", "/a.sock,/a.sock": "named twice"}.items():
            self.assertIn(why, run("--app", "a", "--unix", path))
        self.assertIn("leave --unix or --listen out", run("--app", "a", "--unix", "/a.sock", "--listen", "[::]:80"))
        self.assertIn("from 1 on", run("--app", "a", "--max-draining", "0"))
        self.assertIn("soon", run("--app", "a", "--close-idle", "soon"))
        self.assertIn("it is on or off", run("--app", "a", "--keep-warm", "yes"))
        self.assertIn("give --ready-http PATH", run("--app", "a", "--ready-host", "example.com"))
        self.assertIn("NAME: VALUE", run("--app", "a", "--ready-http", "/", "--ready-header", "nonsense"))
        result = self.sidecar("run", "--app", "a", "--ready-tcp", "--ready-http", "/", "--", "./app")
        self.assertEqual(64, result.returncode, result.stderr)

    def test_what_was_typed_does_not_steer_the_terminal(self):
        result = self.sidecar("\x1b[2J\x9b")
        self.assertNotIn("\x1b", result.stderr)
        self.assertEqual(64, result.returncode)


if __name__ == "__main__":
    unittest.main()
