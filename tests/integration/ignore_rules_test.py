"""What `.midairignore` leaves out is what git would ignore by the same patterns: many made-up ones, asked of both."""

import json
import os
import pathlib
import random
import re
import subprocess
import tempfile
import unittest

MIDAIR = pathlib.Path(os.environ["MIDAIR_BUILD"]) / "bin/midair"
NAMES = ("a", "b", "ab", "abc", "a.b", "[a]", "!a", "#a", "a b", "a ", "*", "-", "A", "7", "\u00e9")
PARTS = ("a", "b", "ab", "c", "A", ".", "*", "*", "?", "[ab]", "[!a]", "[^ab]", "[a-c]", "[]a]", "[a\\]]", "[[:upper:]]",
         "[[:digit:]b]", "[-a]", "[a-]", "\\*", "\\[", "\\!", "\\#", "\\ ", " ", "7", "\u00e9", "!", "#", "-")
# What git ignores without a word, as it matches nothing.
BROKEN = ("[", "[a", "[]", "[!]", "a\\", "!", "/", "!/", "a//b", "//a", "[[:no:]]", "[[:alpha:", "b/[")
CASES = 400


def pattern(dice):
    """A line of an ignore file that may match something."""
    components = []
    for _ in range(dice.choice((1, 1, 1, 2, 2, 3))):
        if dice.random() < 0.2:
            components.append("**")
        else:
            components.append("".join(dice.choice(PARTS) for _ in range(dice.choice((1, 1, 2, 3)))))
    line = "/".join(components)
    line = dice.choice(("", "", "", "/")) + line + dice.choice(("", "", "", "/"))
    return dice.choice(("", "", "!")) + line + dice.choice(("", "", "", " ", "\r"))


def make_tree(directory, dice):
    """A few files up to four levels deep."""
    for _ in range(12):
        path = directory.joinpath(*(dice.choice(NAMES) for _ in range(dice.randint(1, 4))))
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch(exist_ok=True)
        except (FileExistsError, NotADirectoryError, IsADirectoryError):
            pass  # a name that is of the other kind already


def files_below(root):
    for directory, below, names in os.walk(root):
        below[:] = [name for name in below if name != ".git"]
        for name in names:
            if not name.endswith("ignore"):
                yield os.path.relpath(os.path.join(directory, name), root)


class IgnoreRules(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory(prefix="midair-ignore-")
        self.addCleanup(temporary.cleanup)
        self.root = pathlib.Path(temporary.name) / "tree"
        self.root.mkdir()
        self.environment = {**os.environ, "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1"}
        subprocess.run(["git", "init", "-q", self.root], check=True, env=self.environment)

    def write_rules(self, directory, lines):
        text = "".join(line + "\n" for line in lines)
        for name in (".midairignore", ".gitignore"):
            (directory / name).write_text(text, newline="")

    def ignored_by_git(self):
        names = "\0".join(files_below(self.root))
        done = subprocess.run(["git", "check-ignore", "--no-index", "--stdin", "-z"], cwd=self.root, input=names, check=False,
                              env=self.environment, stdout=subprocess.PIPE, text=True)
        self.assertIn(done.returncode, (0, 1))
        return set(done.stdout.split("\0")) - {""}

    def list(self):
        return subprocess.run([MIDAIR, "hot", "--from", self.root, "--list", "--json"], capture_output=True, text=True,
                              check=False, timeout=120)

    def left_out(self):
        done = self.list()
        self.assertEqual(done.returncode, 0, done.stderr)
        events = [json.loads(line) for line in done.stdout.splitlines()]
        return set(files_below(self.root)) - {event["path"] for event in events if event["event"] == "file"}

    def acceptable(self, lines):
        """Those in which no mistake is found."""
        (self.root / ".midairignore").write_text("".join(line + "\n" for line in lines), newline="")
        wrong = {int(number) for number in re.findall(r"\.midairignore', line (\d+)", self.list().stderr)}
        (self.root / ".midairignore").unlink()
        return [line for number, line in enumerate(lines, 1) if number not in wrong]

    def test_it_leaves_out_what_git_ignores(self):
        dice = random.Random(11)
        (self.root / "kept").touch()
        lines = [pattern(dice) for _ in range(2000)]
        good = self.acceptable(lines)
        self.assertGreater(len(good), 1500)
        for number in range(CASES):
            case = self.root / f"case-{number}"
            case.mkdir()
            make_tree(case, dice)
            self.write_rules(case, dice.sample(good, dice.randint(1, 6)))
            for directory in dice.sample([path for path in case.rglob("*") if path.is_dir()] or [case], 1):
                if directory != case:
                    self.write_rules(directory, dice.sample(good, dice.randint(1, 3)))
        by_git, by_midair = self.ignored_by_git(), self.left_out()
        self.assertGreater(len(by_git), CASES)
        for name in sorted(by_git ^ by_midair):
            case = self.root / pathlib.Path(name).parts[0]
            rules = {str(path.relative_to(case)): path.read_text() for path in case.rglob(".midairignore")}
            with self.subTest(name=name, ignored_by="git" if name in by_git else "midair", rules=rules):
                self.fail("one leaves it out, the other doesn't")

    def wrong_entries(self):
        done = self.list()
        self.assertEqual(done.returncode, 65, done.stderr)
        errors = [json.loads(line)["error"] for line in done.stderr.splitlines()]
        self.assertTrue(all(error["hint"] for error in errors))
        return [error["subject"].rpartition("/tree/")[2] for error in errors]

    def test_all_that_is_wrong_is_told_at_once(self):
        rules = self.root / ".midairignore"
        rules.write_text("[\nok\n!\n")
        self.assertEqual(self.wrong_entries(), [".midairignore', line 1", ".midairignore', line 3"])
        rules.unlink()
        for name in ("pipe", "other"):
            os.mkfifo(self.root / name)
        self.assertEqual(self.wrong_entries(), ["other'", "pipe'"])

    def test_what_it_refuses_would_match_nothing(self):
        make_tree(self.root, random.Random(1))
        self.assertEqual(self.acceptable(BROKEN), [])
        (self.root / ".gitignore").write_text("".join(line + "\n" for line in BROKEN))
        self.assertEqual(self.ignored_by_git(), set())


if __name__ == "__main__":
    unittest.main()
