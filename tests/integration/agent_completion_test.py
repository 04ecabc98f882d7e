"""Completion scripts, asked as a shell would ask them."""

import shutil
import subprocess
import unittest

from agent import AgentTest


class Completion(AgentTest):
    def setUp(self):
        super().setUp()
        self.use_plugins("good")
        (self.cwd / "dir").mkdir()
        self.write("dir-file", "")

    def run_shell(self, *command):
        result = subprocess.run(command, cwd=self.cwd, env=self.env, timeout=30, text=True, capture_output=True)
        self.assertEqual((0, ""), (result.returncode, result.stderr))
        return result.stdout

    def script(self, shell):
        path = self.cwd / f"completion.{shell}"
        path.write_text(self.midair("completion", shell).stdout)
        return path

    def bash(self, *words):
        """What bash offers for the last of `words`."""
        ask = ('source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _midair;'
               'printf "%s\\n" "${COMPREPLY[@]}"; complete -p midair >/dev/null')
        return set(self.run_shell("bash", "-c", ask, "bash", str(self.script("bash")), "midair", *words).split())

    def test_bash_offers_commands(self):
        self.assertEqual({"greet"}, self.bash("gr"))
        self.assertEqual({"garden"}, self.bash("garden"))
        self.assertLessEqual({"completion", "config", "greet", "help", "plugins", "wait"}, self.bash(""))

    def test_bash_offers_the_commands_own_and_the_global_options(self):
        self.assertEqual({"--loud", "--log-level"}, self.bash("greet", "--lo"))
        self.assertEqual({"--log-level"}, self.bash("plugins", "--lo"))
        self.assertEqual({"--loud", "--log-level"}, self.bash("--app", "plugins", "greet", "--lo"))

    def test_bash_offers_arguments_and_values(self):
        self.assertEqual({"bash", "zsh", "fish"}, self.bash("completion", ""))
        self.assertEqual({"show"}, self.bash("config", ""))
        self.assertEqual({"greet"}, self.bash("help", "gr"))
        self.assertEqual({"dir"}, self.bash("greet", "--from-dir", "d"))
        self.assertEqual({"dir", "dir-file"}, self.bash("--config", "d"))
        self.assertEqual(set(), self.bash("greet", "--times", ""))

    def test_bash_offers_the_commands_of_a_group(self):
        self.assertEqual({"wait", "water"}, self.bash("garden", "wa"))
        self.assertEqual({"--litres", "--log-level"}, self.bash("garden", "--app", "x", "water", "--l"))
        self.assertEqual(set(), self.bash("garden", "wait", "--stub"))

    @unittest.skipUnless(shutil.which("fish"), "fish isn't installed")
    def test_fish_offers_commands_options_and_arguments(self):
        def fish(line):
            out = self.run_shell("fish", "-N", "-c", 'source $argv[1]; complete -C $argv[2]', str(self.script("fish")), line)
            return {entry.split("\t")[0] for entry in out.splitlines()}
        self.assertEqual({"greet"}, fish("midair gr"))
        self.assertEqual({"--loud", "--log-level"}, fish("midair greet --lo"))
        self.assertEqual({"show"}, fish("midair config "))
        self.assertEqual({"wait", "water"}, fish("midair garden w"))
        self.assertEqual({"--litres", "--log-level"}, fish("midair garden water --l"))
        self.assertEqual(set(), fish("midair garden wait --stub"))
        self.assertEqual({"dir/"}, fish("midair greet --from-dir d"))

    @unittest.skipUnless(shutil.which("zsh"), "zsh isn't installed")
    def test_zsh_offers_commands_options_and_arguments(self):
        # A completion function runs only under the line editor: capture what it hands to compadd and _describe.
        ask = '''
            compdef() { registered="$*" }
            compadd() { shift; print -l -- ${(P)1} }
            _describe() { local list=${@[-1]}; local -a entries=("${(@P)list}"); print -l -- ${entries%%:*} }
            source $1; [[ $registered == "_midair midair" ]] || exit 1
            shift; words=("$@"); CURRENT=$#; _midair'''
        def zsh(*words):
            return set(self.run_shell("zsh", "-f", "-c", ask, "zsh", str(self.script("zsh")), "midair", *words).split())
        self.assertLessEqual({"completion", "greet", "plugins"}, zsh("gr"))
        self.assertLessEqual({"--loud", "--times", "--app"}, zsh("--app", "a", "greet", "--l"))
        self.assertEqual({"bash", "zsh", "fish"}, zsh("completion", ""))
        self.assertEqual({"wait", "water"}, zsh("garden", ""))
        self.assertLessEqual({"--litres", "--app"}, zsh("garden", "water", "--"))
        self.assertEqual(set(), zsh("greet", ""))


if __name__ == "__main__":
    unittest.main()
