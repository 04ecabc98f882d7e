"""`make install` into a directory of its own, and a plugin built outside of the tree against what lies there."""

import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

BUILD = pathlib.Path(os.environ["MIDAIR_BUILD"])
SOURCE = pathlib.Path(os.environ["MIDAIR_SOURCE"])


def run(*command, env=None):
    done = subprocess.run([str(word) for word in command], text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          env=env, timeout=120)
    if done.returncode != 0:
        raise AssertionError(f"{command} ended with {done.returncode}:\n{done.stdout}")
    return done.stdout


class Install(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.work = pathlib.Path(tempfile.mkdtemp(prefix="midair-install-test-"))
        cls.addClassCleanup(shutil.rmtree, cls.work)
        staged = cls.work / "staged"
        run("cmake", "--install", BUILD, "--prefix", staged)
        cls.prefix = cls.work / "moved elsewhere"  # everything is found relative to itself
        staged.rename(cls.prefix)
        cls.env = {"PATH": os.environ["PATH"], "HOME": str(cls.work)}

    def midair(self, *args):
        return run(self.prefix / "bin" / "midair", *args, env=self.env)

    def test_the_agent_runs_with_its_own_library_and_plugins(self):
        self.assertTrue(self.midair("--version").startswith("midair "))
        self.assertIn(f"libmidair-core.so.0 => {self.prefix}/bin/../lib/midair/libmidair-core.so.0",
                      run("ldd", self.prefix / "bin" / "midair"))
        built = {path.name for path in (BUILD / "lib/midair/plugins").glob("*.so")}
        listed = [json.loads(line) for line in self.midair("plugins", "--json").splitlines()]
        self.assertLessEqual(built, {pathlib.Path(plugin["path"]).name for plugin in listed})
        for plugin in listed:
            self.assertEqual("started", plugin["state"], plugin)
            self.assertTrue(plugin["path"].startswith(str(self.prefix)), plugin)

    def test_headers_and_completions_are_there(self):
        def headers(include):
            return {path.relative_to(include) for path in include.rglob("*") if path.is_file()}
        public = set().union(*(headers(SOURCE / folder / "include") for folder in ("agent/core", "agent/host", "sidecar/sdk")))
        self.assertEqual(public, headers(self.prefix / "include"))
        loader = self.prefix / "share/bash-completion/completions/midair"
        env = {**self.env, "PATH": f"{self.prefix}/bin:{self.env['PATH']}"}
        self.assertIn("_midair", run("bash", "-c", f"source '{loader}'; complete -p midair", env=env))

    def test_a_plugin_built_out_of_the_tree_is_loaded(self):
        source, build = self.work / "hello", self.work / "hello-build"
        shutil.copytree(SOURCE / "scripts/examples/plugin", source)
        run("cmake", "-S", source, "-B", build, "-G", "Ninja", f"-DCMAKE_PREFIX_PATH={self.prefix}")
        run("cmake", "--build", build)
        plugins = build / "lib/midair/plugins"
        self.assertEqual("Hello, Fly!\n", self.midair("--plugin-dir", plugins, "hello", "Fly"))
        kept = self.work / "kept tokens"
        stored = subprocess.run([self.prefix / "bin/midair", "--plugin-dir", plugins, "--app", "web", "tokens", "set"],
                                env={**self.env, "MIDAIR_TOKENS_STORE": "files", "HELLO_TOKENS": str(kept)},
                                input="fo1_kept", text=True, capture_output=True, timeout=60, check=False)
        self.assertEqual((0, f"stored *** for web in files in {kept}\n"), (stored.returncode, stored.stdout), stored.stderr)
        self.assertEqual([0o600], [path.stat().st_mode & 0o777 for path in kept.iterdir()])
        symbols = run("nm", "--dynamic", "--defined-only", plugins / "hello.so").split()
        self.assertEqual({"midair_plugin", "midair_plugin_abi"}, {name for name in symbols if "midair_plugin" in name})

        run("cmake", "--install", build, "--prefix", self.prefix)
        self.addCleanup((self.prefix / "lib/midair/plugins/hello.so").unlink)
        self.assertEqual('{"hello":"world"}\n', self.midair("hello", "--json"))
        self.assertIn("midair hello Fly", self.midair("help", "hello"))


if __name__ == "__main__":
    unittest.main()
