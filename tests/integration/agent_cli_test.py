"""What people and scripts see of midair: help, version, errors, JSON, exit statuses, signals, output that goes away."""

import json
import os
import pathlib
import pty
import re
import shlex
import signal
import subprocess
import unittest

from agent import AgentTest, BUILD, PLUGIN_ABI

VERSION = next(line.split("=")[1].strip() for line in (BUILD / "CMakeCache.txt").read_text().splitlines()
               if line.startswith("CMAKE_PROJECT_VERSION:"))


class Help(AgentTest):
    def test_version_is_the_projects(self):
        result = self.midair("--version")
        self.assertEqual((0, f"midair {VERSION}\n", ""), (result.returncode, result.stdout, result.stderr))
        answer = json.loads(self.midair("--version", "--json").stdout)
        self.assertEqual({"name": "midair", "plugin_abi": PLUGIN_ABI, "version": VERSION}, answer)

    def test_general_help_lists_commands_and_global_options(self):
        self.use_plugins("good")
        for args in (["--help"], ["-h"], ["help"]):
            result = self.midair(*args)
            self.assertEqual((0, ""), (result.returncode, result.stderr))
            for word in ("completion", "config", "greet", "help", "plugins", "--config FILE", "--store ADDR"):
                self.assertIn(word, result.stdout)

    def test_without_a_command_help_is_shown_and_the_status_is_usage(self):
        result = self.midair()
        self.assertEqual(64, result.returncode)
        self.assertIn("Usage: midair", result.stdout)

    def test_every_commands_help_has_usage_options_and_examples(self):
        self.use_plugins("good")
        commands = [json.loads(line) for line in self.midair("help", "--json").stdout.splitlines()]
        self.assertIn("greet", [command["name"] for command in commands])
        for command in commands:
            name = command["name"]
            with self.subTest(name):
                self.assertTrue(command["examples"])
                page = self.midair(*name.split(), "--help")
                self.assertEqual(0, page.returncode)
                self.assertEqual(page.stdout, self.midair("help", *name.split()).stdout)
                self.assertIn(f"Usage: midair {name}", page.stdout)
                for example in command["examples"]:
                    self.assertIn(example["command"], page.stdout)
                for option in command["options"]:
                    self.assertIn(f"--{option['name']}", page.stdout)


    def test_every_example_of_the_shipped_commands_is_a_command_line_of_theirs(self):
        commands = {command["name"]: command
                    for command in map(json.loads, self.midair("help", "--json").stdout.splitlines())}
        self.assertLessEqual({"hot", "status", "machines list", "tokens"}, set(commands))
        for name, command in commands.items():
            for example in command["examples"]:
                with self.subTest(name, example=example["command"]):
                    self.expect_understood(example["command"], name, commands)

    def expect_understood(self, line, owner, commands):
        line = re.sub(r"^source <\((.*)\)$", r"\1", line)
        words = shlex.split(re.split(r" [|<>] ", line)[-1 if "| midair" in line else 0])
        words = words[next(i for i, word in enumerate(words) if word == "midair") + 1:]
        name = " ".join(words[:2]) if " ".join(words[:2]) in commands else words[0]
        self.assertTrue(name == owner or name.startswith(owner + " "), name)
        words = words[len(name.split()):]
        known = {option["name"]: option for option in commands[name]["options"]}
        takes_value = {"app", "store", "config", "log-level", "plugin-dir"}
        takes_value |= {option["name"] for option in known.values() if option["kind"] != "flag"}
        given, arguments = set(), []
        while words and words[0] != "--":
            word, _, value = words.pop(0).partition("=")
            if not word.startswith("--"):
                arguments.append(word)
                continue
            given.add(word[2:])
            self.assertIn(word[2:], takes_value | set(known) | {"json", "no-color", "help", "version"})
            if word[2:] in takes_value and not value:
                value = words.pop(0)
            self.assertIn(value, known.get(word[2:], {}).get("values", [value]))
        self.assertLessEqual({option["name"] for option in known.values() if option["required"]}, given)
        if arguments:
            self.assertRegex(commands[name]["usage"], r"\[OPTIONS\] .")


class ManPages(AgentTest):
    def man(self, *args):
        page = self.midair("help", "--man", *args)
        self.assertEqual((0, ""), (page.returncode, page.stderr))
        shown = subprocess.run(["groff", "-man", "-Tascii", "-P-cbou", "-wall"], input=page.stdout,
                               text=True, capture_output=True, timeout=30, check=True)
        self.assertEqual("", shown.stderr)
        return shown.stdout

    def test_there_is_a_page_for_midair_and_one_for_each_command(self):
        self.use_plugins("good")
        page = self.man()
        for words in ("midair - hot code upgrades for apps on Fly.io", "--store ADDR", "midair-greet(1)", "fly.toml",
                      "wrong command line"):
            self.assertIn(words, page)
        for command in ("greet", "config", "help"):
            self.assertIn(f"midair-{command} - ", self.man(command))
        page = self.man("greet")
        self.assertIn("how: warm, cold", page)
        self.assertIn("midair greet --loud you", page)
        self.assertIn("garden water", self.man("garden"))


class Usage(AgentTest):
    def expect_usage_error(self, args, *sentences):
        result = self.midair(*args)
        self.assertEqual((64, ""), (result.returncode, result.stdout), result.stderr)
        for sentence in sentences:
            self.assertIn(sentence, result.stderr)

    def test_mistakes_are_answered_with_a_suggestion_and_the_usage(self):
        self.use_plugins("good")
        self.expect_usage_error(["gret"], "midair: cannot run midair gret: there is no such command\n",
                                "Try: midair greet\n", "Usage: midair [OPTIONS] COMMAND")
        self.expect_usage_error(["greet", "--lowd"], "midair: cannot understand --lowd: midair greet has no such option\n",
                                "Try: --loud\n", "Usage: midair greet [OPTIONS] [NAME...]\n")
        self.expect_usage_error(["--jsn", "greet"], "Try: --json\n")
        self.expect_usage_error(["greet", "--tone", "worm"], "'worm' is none of warm, cold\n", "Try: --tone warm\n")
        self.expect_usage_error(["--log-level", "wrning", "plugins"], "Try: ")
        self.expect_usage_error(["help", "gret"], "Try: midair help greet\n")
        self.expect_usage_error(["help", "--man", "garden", "water"], "Try: midair help --man garden\n")
        self.expect_usage_error(["greet", "--times", "often"], "'often' is no integer")
        self.expect_usage_error(["greet", "--pause", "soon"], "'soon' is no duration")
        self.expect_usage_error(["plugins", "now"], "midair plugins takes no arguments")
        self.expect_usage_error(["--config"], "--config")
        self.expect_usage_error(["--store", "nowhere", "plugins"], "cannot use --store: 'nowhere' is no store")
        self.expect_usage_error(["config", "hide"], "midair config show")
        self.expect_usage_error(["completion", "csh"], "bash, zsh or fish")
        self.expect_usage_error(["help", "nonsense"], "there is no command 'nonsense'")
        self.expect_usage_error(["gardn", "water"], "Try: midair garden\n")
        self.expect_usage_error(["garden", "watr"], "cannot run midair garden watr: there is no such command\n",
                                "Try: midair garden water\n")
        self.expect_usage_error(["garden", "xyzzy"], "Try: midair garden --help lists all commands\n")

    def test_a_command_of_a_group_is_named_by_two_words(self):
        self.use_plugins("good")
        self.assertEqual("watered oak\n", self.midair("garden", "--json", "water", "oak", "--litres", "3").stdout)
        self.assertEqual("awaited oak\n", self.midair("garden", "wait", "oak").stdout)

    def test_a_group_alone_shows_its_commands_and_the_status_is_usage(self):
        self.use_plugins("good")
        alone = self.midair("garden")
        self.assertEqual((64, self.midair("garden", "--help").stdout), (alone.returncode, alone.stdout))
        self.assertIn("  water  water a plant\n", alone.stdout)
        names = [json.loads(line)["name"] for line in self.midair("help", "garden", "--json").stdout.splitlines()]
        self.assertEqual(["garden", "garden wait", "garden water"], names)

    def test_an_unknown_command_mentions_the_plugins_that_were_refused(self):
        self.use_plugins("wrong_abi")
        self.expect_usage_error(["abi"], "the plugin wrong_abi, which might provide it, was refused: "
                                "it was built for plugin ABI 999")

    def test_options_reach_the_command(self):
        self.use_plugins("good")
        result = self.midair("greet", "--times", "2", "you", "--pause", "1500ms", "--loud")
        self.assertEqual((0, "hello you times=2 pause=1500ms!\n"), (result.returncode, result.stdout))
        result = self.midair("greet", "you", "--json")
        self.assertEqual({"greeting": "hello you"}, json.loads(result.stdout))

    def test_with_json_an_error_is_one_json_object(self):
        self.use_plugins("good")
        self.write("bad.yaml", "nonsense: 1\n")
        for args, status, code, subject, hint in (
                (["gret", "--json"], 64, "bad_input", "midair gret", "midair greet"),
                (["--json", "greet", "--lowd"], 64, "bad_input", "--lowd", "--loud"),
                (["--jsn", "--json"], 64, "bad_input", "--jsn", "--json"),
                (["greet", "--times", "often", "--json"], 64, "bad_input", "--times", None),
                (["--app", "--json"], 64, "bad_input", "--app", None),
                (["config", "hide", "--json"], 64, "bad_input", "midair config", "midair help config"),
                (["greet", "--config", "bad.yaml", "--json"], 78, "bad_input", None, None),
                (["blunder", "--json"], 70, "bug", "midair blunder", "report this as a bug of midair")):
            with self.subTest(args):
                result = self.midair(*args)
                self.assertEqual((status, ""), (result.returncode, result.stdout))
                self.assertEqual(1, result.stderr.count("\n"), result.stderr)
                answer = json.loads(result.stderr)
                self.assertEqual({"error", "exit_status"}, set(answer))
                self.assertEqual({"code", "op", "subject", "cause", "hint", "http_status", "request_id"},
                                 set(answer["error"]))
                self.assertEqual((status, code), (answer["exit_status"], answer["error"]["code"]))
                self.assertIn(subject, (None, answer["error"]["subject"]))
                self.assertIn(hint, (None, answer["error"]["hint"]))
        self.assertTrue(self.midair("gret", "--", "--json").stderr.startswith("midair: cannot run"))

    def test_what_a_command_throws_is_a_bug_told_in_one_line(self):
        self.use_plugins("good")
        result = self.midair("blunder")
        self.assertEqual((70, ""), (result.returncode, result.stdout))
        self.assertIn("midair: cannot run midair blunder: a blunder\n", result.stderr)


class Plugins(AgentTest):
    def test_each_plugin_is_listed_with_its_fate(self):
        self.use_plugins("good", "needs_good", "name_taken", "wrong_abi", "missing_symbol", "throws_in_start",
                         "fails_in_start", "needs_failed", "unmet_dependency", "cycle_a", "cycle_b", "broken_promise")
        result = self.midair("plugins", "--json")
        self.assertEqual(0, result.returncode)
        listed = {}
        for line in result.stdout.splitlines():
            plugin = json.loads(line)
            self.assertEqual({"name", "path", "version", "state", "reason"}, set(plugin))
            listed[os.path.basename(plugin["path"])] = plugin
        self.assertEqual("started", listed["good.so"]["state"])
        self.assertEqual("started", listed["needs_good.so"]["state"])
        self.assertEqual("1.0.0", listed["good.so"]["version"])
        self.assertEqual("needs-good", listed["needs_good.so"]["name"])
        for name, reason in {
                "wrong_abi": f"it was built for plugin ABI 999, this midair has {PLUGIN_ABI}",
                "missing_symbol": "undefined symbol: midair_fixture_missing_function",
                "throws_in_start": "it threw: no matches left",
                "fails_in_start": "cannot reach the moon: it is cloudy",
                "needs_failed": "it needs the service 'failed', whose plugin was refused",
                "unmet_dependency": "it needs the service 'nowhere', which no plugin provides",
                "cycle_a": "cycle-a -> cycle-b -> cycle-a",
                "cycle_b": "cycle-a -> cycle-b -> cycle-a",
                "name_taken": "its name 'good' is taken by",
                "broken_promise": "it announces the service 'promise' but doesn't offer it"}.items():
            with self.subTest(name):
                self.assertEqual("refused", listed[f"{name}.so"]["state"])
                self.assertIn(reason, listed[f"{name}.so"]["reason"])
                self.assertIn(reason, self.midair("plugins").stdout)
        self.assertEqual("hello hello\n", self.midair("greet-twice").stdout)

    def test_a_plugin_that_hangs_in_stop_delays_the_end_but_not_for_ever(self):
        self.use_plugins("good", "slow_stop")
        result = self.midair("greet")
        self.assertEqual((0, "hello\n"), (result.returncode, result.stdout))
        self.assertIn("plugin.stop_timeout plugin=slow-stop", result.stderr)

    def test_a_directory_that_everybody_may_write_is_refused(self):
        self.use_plugins("good")
        self.plugins.chmod(0o777)
        result = self.midair("greet")
        self.assertEqual(64, result.returncode)
        self.assertIn(f"{self.plugins}, which might provide it, was refused: everybody may write it", result.stderr)

    def test_code_comes_from_places_of_root_or_the_caller_only(self):
        elsewhere = self.cwd / "elsewhere"
        elsewhere.mkdir()
        elsewhere.chmod(0o777)
        self.use_plugins("good")
        (self.plugins / "good.so").rename(elsewhere / "good.so")
        (self.plugins / "good.so").symlink_to("../elsewhere/good.so")
        refused = json.loads(self.midair("plugins", "--json").stdout.splitlines()[0])
        self.assertEqual("refused", refused["state"])
        self.assertIn("plugins/../elsewhere", refused["reason"])
        elsewhere.chmod(0o755)
        self.assertEqual("hello\n", self.midair("greet").stdout)
        if os.geteuid() == 0:
            os.chown(elsewhere / "good.so", 12345, -1)
            self.assertIn("it belongs to user 12345", self.midair("greet").stderr)

    def test_plugin_dir_comes_first(self):
        self.use_plugins("good")
        other = self.cwd / "other"
        other.mkdir()
        (self.plugins / "good.so").rename(other / "good.so")
        self.assertEqual(0, self.midair("--plugin-dir", str(other), "greet").returncode)
        self.assertEqual(0, self.midair("greet", "--plugin-dir", str(self.plugins), "--plugin-dir", str(other)).returncode)


class Signals(AgentTest):
    def setUp(self):
        super().setUp()
        self.use_plugins("good")

    def waiting(self, *args, **options):
        process = self.start("wait", *args, **options)
        self.assertEqual("waiting\n", process.stdout.readline())
        return process

    def test_the_first_signal_asks_the_command_to_stop(self):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
            process = self.waiting()
            process.send_signal(number)
            self.assertEqual("stopped\n", process.stdout.readline())
            self.assertEqual(130, process.wait(10))

    def test_under_nohup_a_hangup_stays_ignored(self):
        process = self.waiting(preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
        status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
        ignored = int(re.search(r"^SigIgn:\s*(\w+)$", status, re.M)[1], 16)
        self.assertTrue(ignored & 1 << signal.SIGHUP - 1)

    def test_the_second_signal_ends_a_stubborn_command(self):
        process = self.waiting("--stubborn")
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGHUP)  # a terminal that goes away says so twice
        with self.assertRaises(subprocess.TimeoutExpired):
            process.wait(0.3)
        process.send_signal(signal.SIGTERM)
        self.assertEqual(130, process.wait(10))


class Output(AgentTest):
    def setUp(self):
        super().setUp()
        self.use_plugins("good")

    def test_a_reader_that_goes_away_ends_the_command_quietly(self):
        process = self.start("chatter")
        self.assertEqual("chatter\n", process.stdout.readline())
        process.stdout.close()
        self.assertEqual("", process.stderr.read())
        self.assertEqual(141, process.wait(10))

    def test_closed_standard_descriptors_are_no_problem(self):
        result = subprocess.run(["/bin/sh", "-c", '"$@" <&- >&- 2>&-', "sh", *self.command("greet")], cwd=self.cwd,
                                env=self.env, timeout=30)
        self.assertEqual(0, result.returncode)

    def test_a_full_disk_is_reported(self):
        with open("/dev/full", "w") as full:
            result = subprocess.run(self.command("greet"), cwd=self.cwd, env=self.env, timeout=30, text=True,
                                    stdout=full, stderr=subprocess.PIPE)
        self.assertEqual(74, result.returncode)
        self.assertIn("cannot write standard output: No space left on device", result.stderr)

    def test_a_limit_on_the_size_of_files_is_reported(self):
        with open(self.cwd / "out", "w") as out:
            result = subprocess.run(["/bin/sh", "-c", 'ulimit -f 0; exec "$@"', "sh", *self.command("greet")],
                                    cwd=self.cwd, env=self.env, timeout=30, text=True, stdout=out,
                                    stderr=subprocess.PIPE)
        self.assertEqual(74, result.returncode)
        self.assertIn("cannot write standard output: File too large\nTry: raise the limit", result.stderr)

    def test_a_working_directory_that_is_gone_is_reported(self):
        result = subprocess.run(["/bin/sh", "-c", 'mkdir gone; cd gone; rmdir "$PWD"; exec "$@"', "sh",
                                 *self.command("greet")], cwd=self.cwd, env=self.env, timeout=30, text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.assertEqual((66, ""), (result.returncode, result.stdout))
        self.assertEqual("midair: cannot use the working directory: No such file or directory\nTry: cd\n",
                         result.stderr)

    def seen_on_a_terminal(self, *args, **env):
        """Runs midair on a pseudo-terminal; what appears there."""
        pid, terminal = pty.fork()
        if pid == 0:
            os.chdir(self.cwd)
            os.execve(self.command()[0], self.command(*args), {**self.env, "TERM": "xterm", **env})
        seen = b""
        try:
            while chunk := os.read(terminal, 4096):
                seen += chunk
        except OSError:  # Linux answers EIO once the other side is closed
            pass
        os.close(terminal)
        os.waitpid(pid, 0)
        return seen.decode()

    def test_colour_and_progress_are_for_terminals(self):
        self.assertIn("\x1b[32mready\x1b[0m", self.seen_on_a_terminal("paint"))
        self.assertIn("\r\x1b[Kworking", self.seen_on_a_terminal("paint"))
        self.assertNotIn("\x1b[32m", self.seen_on_a_terminal("paint", NO_COLOR="1"))
        self.assertNotIn("\x1b[32m", self.seen_on_a_terminal("--no-color", "paint"))
        self.assertNotIn("working", self.seen_on_a_terminal("paint", "--json"))
        result = self.midair("paint")
        self.assertEqual(("ready\n", ""), (result.stdout, result.stderr))

    def test_what_strangers_wrote_does_not_steer_the_terminal(self):
        for args in (["quote"], ["quote", "--json"], ["--no-color", "quote"]):
            with self.subTest(args):
                seen = self.seen_on_a_terminal(*args)
                for ours in ("\r\x1b[K", "\x1b[K", "\x1b[J", "\r\n"):
                    seen = seen.replace(ours, "")
                self.assertEqual([], [c for c in seen if ord(c) < 32 or 127 <= ord(c) < 160 or ord(c) == 0x202e], seen)
                self.assertIn("evil", seen)
        self.assertIn('{"text":"\\u009b\\u007f"}', self.seen_on_a_terminal("quote", "--json"))
        out = subprocess.run(self.command("quote"), cwd=self.cwd, env=self.env, timeout=30, capture_output=True).stdout
        self.assertTrue(out.split(b"\n")[1].endswith(b"two?lines"), out)  # a row of a table stays one

    def test_what_a_program_elsewhere_wrote_goes_into_a_pipe_as_it_is(self):
        result = subprocess.run(self.command("quote"), cwd=self.cwd, env=self.env, timeout=30, capture_output=True)
        self.assertIn(b"\x1b]0;owned\x07\x1b[2J", result.stdout)
        self.assertIn(b"\x1b]0;owned\x07\x1b[2J", result.stderr)
        self.assertEqual(1, result.stdout.count(b"\x1b[2J"))


if __name__ == "__main__":
    unittest.main()
