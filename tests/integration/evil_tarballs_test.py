"""No hostile tarball is unpacked, each is refused for the right reason, and none writes outside its directory."""
import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from release_tool import release_tool, tree_of

SUPPORT = Path(__file__).parent.parent / "support"


def fingerprint(root):
    """tree_of(), and whatever else a stray write would change."""
    times = {}
    for directory, names, files in os.walk(root):
        for name in names + files + ["."]:
            status = os.lstat(os.path.join(directory, name))
            times[os.path.join(directory, name)] = (status.st_mtime_ns, status.st_ino, status.st_nlink)
    return tree_of(root), times


class EvilTarballs(unittest.TestCase):
    def setUp(self):
        self.home = Path(tempfile.mkdtemp(prefix="midair-evil-"))
        self.addCleanup(shutil.rmtree, self.home)
        self.corpus = self.home / "corpus"
        self.stage = self.home / "stages" / "stage"
        subprocess.run([sys.executable, SUPPORT / "evil_tarballs.py", self.corpus], check=True)
        self.index = json.loads((self.corpus / "index.json").read_text())
        for place in (self.home, self.corpus, self.stage.parent):
            place.mkdir(exist_ok=True)
            (place / "canary").write_text("alive")
            (place / "evil").mkdir()
        os.symlink(self.home, self.home / "stages" / "link")

    def unpack(self, file):
        """What became of it, and what is in the stage."""
        self.stage.mkdir()
        outcome = release_tool("extract", self.corpus / file, self.stage)
        tree = tree_of(self.stage)
        shutil.rmtree(self.stage)
        return outcome, tree

    def test_the_innocent_one_is_unpacked(self):
        outcome, tree = self.unpack("good.tar.gz")
        self.assertEqual(outcome.code, "ok", outcome.message)
        self.assertEqual(sorted(tree), ["a.txt", "bin", "bin/run", "lib", "lib/x", "lib/x/data", "midair.json"])

    def test_every_other_one_is_refused_for_its_reason_and_stays_inside(self):
        self.assertGreaterEqual(len(self.index), 200)
        self.unpack("good.tar.gz")  # so that only a stray write changes anything
        os.utime(self.stage.parent, (0, 0))
        before = fingerprint(self.home)
        for case in self.index:
            with self.subTest(case["file"]):
                outcome, tree = self.unpack(case["file"])
                os.utime(self.stage.parent, (0, 0))
                self.assertEqual(outcome.code, case["code"], outcome.message)
                self.assertIn(case["words"], outcome.message)
                self.assertTrue(outcome.message.isprintable(), outcome.message)
                self.assertNotIn("evil", " ".join(tree), "it was created")
                self.assertTrue(all(mode in ("0o100644", "0o100755", "0o40755") for mode, _ in tree.values()), tree)
                self.assertEqual(fingerprint(self.home), before, "something outside changed")


if __name__ == "__main__":
    unittest.main()
