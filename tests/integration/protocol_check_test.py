"""`midair-sidecar protocol-check`: the reference clients conform, and what an app does wrong is found and named."""

import concurrent.futures
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

SIDECAR = pathlib.Path(os.environ["MIDAIR_BUILD"], "bin/midair-sidecar")
SDK = pathlib.Path(os.environ["MIDAIR_SOURCE"], "sidecar/sdk")

EXAMPLES = {"python": ("midair_app.py", "server.py", "release.py"), "node": ("midair-app.js", "server.js", "release.js")}

# What is changed in the Python client, and the check that has to find it.
MISTAKES = {
    "it has nothing to undo": ("def op_abort", "def op_never"),
    "it refuses an operation that it doesn't know": ('"unsupported", "unknown', '"failed", "unknown'),
    "it closes on a line that is no message": ("return None\n    return message", 'return {"op": ""}\n    return message'),
    "it leaves its clients waiting until it is resumed": ('"waiting" if welcome.get("wait")', '"serving" if welcome'),
    "it resumes after a suspension": ('self.require("waiting", "suspended")', 'self.require("waiting")'),
    "it aborts a suspension and an export": ('return self.enter("serving") if self.mode in', 'return {"ok": 1} if self.mode in'),
    "it lets abort overtake": ("self.send(id=self.suspending, ok=True)", "self.send(id=0, ok=True)"),
    "it lets a hold expire by itself": ('self.enter("expired")', 'self.enter("serving")'),
    "it refuses what is out of order": ('else "out_of_order"', 'else "busy"'),
    "it refuses requests without their fields": ('Refused("bad_request", f"\'', 'Refused("failed", f"\''),
    "it holds still and exports its state": ('"bytes": file', '"bytes": 1 + file'),
    "it hands its state over to its successor": ("self.dump(self.state, file)", "self.dump(self.state, file); file.truncate(0)"),
}


class ProtocolCheck(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="midair-protocol-check-")
        self.addCleanup(directory.cleanup)
        self.directory = pathlib.Path(directory.name)

    def example(self, language, directory=None):
        client, server, release = EXAMPLES[language]
        for name in (client, f"example/{server}", f"example/v1/{release}"):
            shutil.copy(SDK / language / name, directory or self.directory)
        return f"./{server}"

    def check(self, command, *options, directory=None):
        return subprocess.run([SIDECAR, "protocol-check", "--listen", "127.0.0.1:0", *options, "--", *command],
                              cwd=directory or self.directory, capture_output=True, text=True, check=False, timeout=250,
                              env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"})

    def results(self, command, *options, directory=None):
        done = self.check(command, "--json", *options, directory=directory)
        report = json.loads(done.stdout)
        self.assertEqual(report["conforms"], done.returncode == 0, done.stdout)
        return {check["name"]: check for check in report["checks"]}

    def test_the_reference_clients_conform(self):
        for language in EXAMPLES:
            with self.subTest(language):
                done = self.check([self.example(language)])
                self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
                lines = done.stdout.splitlines()
                self.assertGreater(sum(line.startswith("ok ") for line in lines), 20, done.stdout)
                self.assertEqual(sum(line.startswith("skip ") for line in lines), 2, done.stdout)

    def test_what_is_wrong_is_named_with_its_rule(self):
        right = (SDK / "python/midair_app.py").read_text()

        def made_by(check):
            was, becomes = MISTAKES[check]
            self.assertIn(was, right)
            directory = self.directory / check.replace(" ", "-")
            directory.mkdir()
            command = self.example("python", directory)
            (directory / "midair_app.py").write_text(right.replace(was, becomes))
            return self.results([command], "--only", check, directory=directory)[check]

        with concurrent.futures.ThreadPoolExecutor(4) as pool:  # most of the time is waiting for what never comes
            for check, found in zip(MISTAKES, pool.map(made_by, MISTAKES)):
                with self.subTest(check):
                    self.assertEqual(found["result"], "fail")
                    self.assertTrue(found["why"] and found["rule"])

    def test_an_app_that_never_connects_is_told_so(self):
        done = self.check(["sh", "-c", "exit 3"])
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("did not connect to MIDAIR_SOCKET, but exited with status 3", done.stderr)

    def test_rules_are_sentences_of_the_specification(self):
        self.example("python")
        specification = " ".join((SDK.parent / "README.md").read_text().split())
        for check in self.results(["./server.py"]).values():
            self.assertIn(check["rule"], specification)


if __name__ == "__main__":
    unittest.main()
