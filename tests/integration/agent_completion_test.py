"""Completion scripts of both programs, asked as a shell would ask them."""

import shutil
import socket
import subprocess
import time
import unittest

from agent import AgentTest, BUILD

SIDECAR = BUILD / "bin" / "midair-sidecar"
# A completion function of zsh runs only under the line editor: what it hands to compadd and _describe is captured.
ZSH = """
    compdef() { registered="$*" }
    compadd() { shift; print -l -- ${(P)1} }
    compset() { : }
    _files() { print files $* }
    _normal() { print normal $words $CURRENT }
    _describe() { local list=${@[-1]}; local -a entries=("${(@P)list}"); print -l -- ${entries%%:*} }
    source $1; [[ $registered == "$2 "* ]] || exit 1
    complete=$2; shift 2; words=("$@"); CURRENT=$#; $complete"""


class CompletionTest(AgentTest):
    def setUp(self):
        super().setUp()
        self.env["PATH"] = f"{BUILD}/bin:{self.env['PATH']}"
        self.use_plugins("good")
        (self.cwd / "dir").mkdir()
        self.write("dir-file", "")

    def run_shell(self, *command):
        result = subprocess.run(command, cwd=self.cwd, env=self.env, timeout=30, text=True, capture_output=True)
        self.assertEqual((0, ""), (result.returncode, result.stderr))
        return result.stdout

    def script(self, shell, program="midair"):
        path = self.cwd / f"{program}.{shell}"
        path.write_text(self.run_shell(BUILD / "bin" / program, "completion", shell))
        return path

    def bash(self, *words, program="midair"):
        """What bash offers for the last of `words`."""
        ask = ('source "$1"; complete=$2; shift 2; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); $complete;'
               'printf "%s\\n" "${COMPREPLY[@]}"; complete -p "$1" >/dev/null')
        return set(self.run_shell("bash", "-c", ask, "bash", str(self.script("bash", program)),
                                  "_" + program.replace("-", "_"), program, *words).split())

    def fish(self, line):
        out = self.run_shell("fish", "-N", "-c", 'source $argv[1]; complete -C $argv[2]',
                             str(self.script("fish", line.split()[0])), line)
        return {entry.split("\t")[0] for entry in out.splitlines()}

    def zsh(self, *words, program="midair"):
        return set(self.run_shell("zsh", "-f", "-c", ZSH, "zsh", str(self.script("zsh", program)),
                                  "_" + program.replace("-", "_"), program, *words).split())

    def put_on_the_path(self, name):
        """A program of this name, elsewhere than in the working directory."""
        (self.cwd / "programs").mkdir()
        program = self.cwd / "programs" / name
        program.touch(mode=0o755)
        self.env["PATH"] += f":{program.parent}"

    def put(self, *keys):
        """An object store in ./store with objects of these keys; the arguments that name it."""
        for key in keys:
            path = self.cwd / "store" / key
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("{}")
        return "--store", f"file://{self.cwd}/store"


class Completion(CompletionTest):

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

    def test_bash_offers_what_an_option_may_be(self):
        self.assertEqual({"warm", "cold"}, self.bash("greet", "--tone", ""))
        self.assertEqual({"warm"}, self.bash("greet", "--tone", "=", "w"))  # as bash cuts --tone=w
        self.assertEqual({"warning"}, self.bash("greet", "--log-level", "w"))

    @unittest.skipUnless(shutil.which("fish"), "fish isn't installed")
    def test_fish_offers_commands_options_and_arguments(self):
        fish = self.fish
        self.assertEqual({"warm", "cold"}, fish("midair greet --tone "))
        self.assertEqual({"greet"}, fish("midair gr"))
        self.assertEqual({"--loud", "--log-level"}, fish("midair greet --lo"))
        self.assertEqual({"show"}, fish("midair config "))
        self.assertEqual({"wait", "water"}, fish("midair garden w"))
        self.assertEqual({"--litres", "--log-level"}, fish("midair garden water --l"))
        self.assertEqual(set(), fish("midair garden wait --stub"))
        self.assertEqual({"dir/"}, fish("midair greet --from-dir d"))

    @unittest.skipUnless(shutil.which("zsh"), "zsh isn't installed")
    def test_zsh_offers_commands_options_and_arguments(self):
        zsh = self.zsh
        self.assertLessEqual({"completion", "greet", "plugins"}, zsh("gr"))
        self.assertLessEqual({"--loud", "--times", "--app"}, zsh("--app", "a", "greet", "--l"))
        self.assertEqual({"bash", "zsh", "fish"}, zsh("completion", ""))
        self.assertEqual({"wait", "water"}, zsh("garden", ""))
        self.assertLessEqual({"--litres", "--app"}, zsh("garden", "water", "--"))
        self.assertEqual(set(), zsh("greet", ""))
        self.assertEqual({"warm", "cold"}, zsh("greet", "--tone", ""))
        self.assertEqual({"warm", "cold"}, zsh("greet", "--tone="))
        self.assertEqual({"files"}, zsh("greet", "--config", ""))


class KnownNames(CompletionTest):
    """Apps and machines, of which the store knows."""

    def setUp(self):
        super().setUp()
        self.store = self.put("releases/web-current.json", "releases/worker-current.json", "releases/web-deploy.lock",
                              "releases/web-machines/148ed1.json", "releases/web-machines/91857e.json",
                              "releases/worker-machines/0000.json", "releases/$(touch evil)-current.json",
                              "releases/web-machines/$(touch evil).json", "releases/web-machines/`touch evil`.json")

    def expect_offered(self, expected, ask, *words):
        """On a busy machine midair may give up after its second and offer nothing: then it is asked again."""
        answers = (ask(*words) for _ in range(10))
        self.assertEqual(expected, next(filter(None, answers), None))

    def test_midair_prints_them(self):
        def printed(*args):
            return self.midair(*self.store, *args).stdout
        self.expect_offered("web\nworker\n", printed, "completion", "apps")
        self.expect_offered("148ed1\n91857e\n", printed, "--app", "web", "completion", "machines")

    def test_bash_offers_them_and_runs_nothing_of_them(self):
        store = ("--store", "file", ":", f"//{self.cwd}/store")  # as bash cuts it
        self.expect_offered({"web", "worker"}, self.bash, *store, "machines", "list", "--app", "w")
        self.expect_offered({"148ed1", "91857e"}, self.bash, "--app", "web", *store, "machines", "stop", "")
        self.expect_offered({"148ed1"}, self.bash, "machines", "exec", "--app", "=", "web", *store, "1")
        self.expect_offered({"web"}, self.bash, *store, "apps", "get", "we")
        self.assertFalse((self.cwd / "evil").exists())

    @unittest.skipUnless(shutil.which("fish"), "fish isn't installed")
    def test_fish_offers_them(self):
        store = " ".join(self.store)
        self.expect_offered({"web", "worker"}, self.fish, f"midair {store} machines list --app w")
        self.expect_offered({"148ed1", "91857e"}, self.fish, f"midair machines stop {store} --app=web ")

    @unittest.skipUnless(shutil.which("zsh"), "zsh isn't installed")
    def test_zsh_offers_them(self):
        self.expect_offered({"web", "worker"}, self.zsh, *self.store, "machines", "list", "--app", "")
        self.expect_offered({"148ed1", "91857e"}, self.zsh, "machines", "stop", *self.store, "--app", "web", "")

    def test_whatever_goes_wrong_is_silence(self):
        for args in (["--store", f"file://{self.plugins}/nowhere", "completion", "apps"], ["completion", "apps"],
                     [*self.store, "completion", "machines"], [*self.store, "--app", "../..", "completion", "machines"],
                     ["--store", "s3://b", "completion", "apps"]):
            with self.subTest(args):
                result = self.midair(*args)
                self.assertEqual((0, "", ""), (result.returncode, result.stdout, result.stderr))

    def test_nothing_is_said_of_plugins(self):
        self.use_plugins("name_taken", "wrong_abi", "fails_in_start", "slow_stop")
        self.assertIn("plugin.refused", self.midair("greet").stderr)
        for what in ("bash", "zsh", "fish", "apps"):
            with self.subTest(what):
                result = self.midair(*self.store, "completion", what)
                self.assertEqual((0, ""), (result.returncode, result.stderr))
        self.assertIn("name one shell", self.midair("completion", "csh").stderr)

    def test_a_store_that_does_not_answer_costs_a_second(self):
        with socket.create_server(("127.0.0.1", 0)) as silent:
            self.env |= {"AWS_ENDPOINT_URL_S3": f"http://127.0.0.1:{silent.getsockname()[1]}",
                         "AWS_ACCESS_KEY_ID": "k", "AWS_SECRET_ACCESS_KEY": "s"}
            start = time.monotonic()
            result = self.midair("--store", "s3://bucket", "completion", "apps")
            self.assertEqual((0, "", ""), (result.returncode, result.stdout, result.stderr))
            self.assertLess(time.monotonic() - start, 5)  # of which 0.9 s are the wait, the rest a busy machine's


@unittest.skipUnless(SIDECAR.exists(), "the sidecar isn't built")
class Sidecar(CompletionTest):
    def test_bash_completes_it(self):
        def bash(*words):
            return self.bash(*words, program="midair-sidecar")
        self.assertEqual({"run"}, bash("ru"))
        self.assertEqual({"--ready-http", "--ready-tcp", "--ready-timeout", "--ready-host", "--ready-header",
                          "--ready-after"}, bash("run", "--ready"))
        self.assertEqual({"warning"}, bash("run", "--log-level", "w"))
        self.assertEqual({"dir"}, bash("run", "--state-dir", "d"))
        self.assertEqual({"dir", "dir-file"}, bash("run", "--listen", "127.0.0.1", ":", "80", "--", "./app", "dir"))
        self.put_on_the_path("midair-test-app")
        self.assertEqual({"midair-test-app"}, bash("run", "--", "midair-test"))
        self.assertEqual(set(), bash("run", "--", "./app", "midair-test"))
        self.assertEqual({"bash", "zsh", "fish"}, bash("completion", ""))

    @unittest.skipUnless(shutil.which("fish"), "fish isn't installed")
    def test_fish_completes_it(self):
        self.assertEqual({"run"}, self.fish("midair-sidecar ru"))
        self.assertEqual({"warning"}, self.fish("midair-sidecar run --log-level w"))
        self.assertEqual({"run"}, self.fish("midair-sidecar help ru"))
        self.put_on_the_path("midair-test-app")
        self.assertEqual({"midair-test-app"}, self.fish("midair-sidecar run -- midair-test"))
        self.assertEqual({"dir/", "dir-file"}, self.fish("midair-sidecar run -- ./app dir"))
        self.assertEqual(set(), self.fish("midair-sidecar run -- ./app midair-test"))

    @unittest.skipUnless(shutil.which("zsh"), "zsh isn't installed")
    def test_zsh_completes_it(self):
        def zsh(*words):
            return self.zsh(*words, program="midair-sidecar")
        self.assertLessEqual({"run", "status", "poll-now"}, zsh(""))
        self.assertLessEqual({"warning", "debug"}, zsh("run", "--log-level", ""))
        self.assertEqual({"normal", "./app", "1"}, zsh("run", "--", "./app"))


if __name__ == "__main__":
    unittest.main()
