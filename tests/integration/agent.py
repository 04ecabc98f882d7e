"""Runs the built midair with fixture plugins in an environment of the test's own."""

import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

BUILD = pathlib.Path(os.environ["MIDAIR_BUILD"])
SOURCE = pathlib.Path(os.environ["MIDAIR_SOURCE"])
MIDAIR = BUILD / "bin" / "midair"
FIXTURES = BUILD / "test-plugins"
PLUGIN_ABI = int(re.search(r"kPluginAbi = (\d+);",
                           (SOURCE / "agent/host/include/midair/host/plugin.h").read_text())[1])


class AgentTest(unittest.TestCase):
    """Gives each test an empty working directory and a directory for plugins."""

    def setUp(self):
        self.cwd = pathlib.Path(tempfile.mkdtemp(prefix="midair-agent-test-"))
        self.addCleanup(shutil.rmtree, self.cwd)
        self.plugins = self.cwd / "plugins"
        self.plugins.mkdir(mode=0o755)
        self.env = {"PATH": os.environ["PATH"], "HOME": str(self.cwd), "MIDAIR_PLUGIN_PATH": str(self.plugins)}
        for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS"):
            if name in os.environ:
                self.env[name] = os.environ[name]

    def use_plugins(self, *names):
        for name in names:
            shutil.copy(FIXTURES / f"{name}.so", self.plugins)

    def write(self, name, text):
        (self.cwd / name).write_text(text)

    def command(self, *args):
        return [str(MIDAIR), *args]

    def midair(self, *args, **options):
        return subprocess.run(self.command(*args), cwd=self.cwd, env=self.env, timeout=30, text=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)

    def start(self, *args, **options):
        process = subprocess.Popen(self.command(*args), cwd=self.cwd, env=self.env, text=True,
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)
        self.addCleanup(process.stderr.close)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process
