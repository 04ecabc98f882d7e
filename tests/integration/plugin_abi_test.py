"""Plugins of another ABI are refused by number: so the number has to change with the headers."""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

SOURCE = pathlib.Path(os.environ["MIDAIR_SOURCE"])


class PluginAbi(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.tree = pathlib.Path(folder.name)
        for part in ("agent/core/include", "agent/host/include"):
            shutil.copytree(SOURCE / part, self.tree / part)
        for file in ("agent/host/plugin_abi", "scripts/plugin_abi.py"):
            (self.tree / file).parent.mkdir(exist_ok=True)
            shutil.copy(SOURCE / file, self.tree / file)
        self.header = self.tree / "agent/host/include/midair/host/plugin.h"

    def abi(self, verb):
        ran = subprocess.run([sys.executable, self.tree / "scripts/plugin_abi.py", verb], capture_output=True, text=True,
                             timeout=60, check=False)
        return ran.returncode, ran.stderr

    def edit(self, old, new):
        text = self.header.read_text()
        self.assertIn(old, text)
        self.header.write_text(text.replace(old, new))

    def test_the_number_fits_the_headers(self):
        self.assertEqual((0, ""), self.abi("check"))

    def test_a_comment_changes_nothing(self):
        self.edit("class Context;", "class Context;  // where plugins meet")
        self.assertEqual((0, ""), self.abi("check"))

    def test_a_change_is_noticed_until_the_number_is_raised(self):
        self.edit("class Context;", "class Context;\nclass Another;")
        self.assertEqual(1, self.abi("check")[0])
        self.assertIn("raise kPluginAbi", self.abi("record")[1])
        number = int(self.header.read_text().split("kPluginAbi = ")[1].split(";")[0])
        self.edit(f"kPluginAbi = {number}", f"kPluginAbi = {number + 1}")
        self.assertEqual((0, ""), self.abi("record"))
        self.assertEqual((0, ""), self.abi("check"))


if __name__ == "__main__":
    unittest.main()
