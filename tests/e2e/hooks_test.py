"""Lua hooks through the shipped sidecar: what they decide, and that nothing they do harms anybody but themselves."""

import json
import unittest

from case import FleetCase
from fleet import ROOT, wait_until

EXAMPLES = ROOT / "scripts/hooks"
QUICK = {"--probation": "2500ms", "--poll-interval": "50ms"}


class Hooks(FleetCase):
    def script(self, text, name="hooks.lua"):
        path = self.root / name
        path.write_text(text)
        return path

    def machine_with(self, text, **env):
        """A serving machine whose image has that script."""
        return self.started(options={**QUICK, "--hooks": str(self.script(text))}, env=env)

    def hooked_release(self, version, text):
        """A release that brings its own script."""
        directory = self.release(version)
        (directory / "hooks.lua").write_text(text)
        (directory / "midair.json").write_text(json.dumps({"hooks": "hooks.lua"}))
        return directory

    def refused(self, machine, version="new", says=""):
        """Publishes what must not come to serve, for a reason that the operator reads; with `|` between those that may be."""
        load = self.load(machine)
        pid = machine.status()["pid"]
        done = self.hot(version)
        self.assertNotEqual(done.returncode, 0, done.stdout)
        self.assertTrue(any(reason in done.stdout + done.stderr for reason in says.split("|")), machine.tail(40))
        self.assertEqual((machine.version(), machine.status()["pid"]), ("base", pid), machine.tail(40))
        self.assertEqual(load.finish()["failures"], 0, machine.tail(40))

    def put_off(self, version):
        done = self.agent.run_hot(self.release(version), version, "--timeout", "3s")
        self.assertNotEqual(done.returncode, 0)

    # -- what they decide

    def test_hooks_of_a_release_are_asked_in_order(self):
        machine = self.started(options=QUICK)
        self.publish("new", directory=self.hooked_release("new", """
            function accept(release) midair.log("1 accept", release.version, release.strategy) return true end
            function before_suspend(context) midair.log("2 before_suspend", context.release.version) end
            function after_resume(context) midair.log("3 after_resume on", midair.machine.id) end
            function healthy(context) midair.log("4 healthy") return true end
            function on_rollback(context) midair.log("5 on_rollback") end"""))
        said = [line for line in machine.log().splitlines() if "hook.says" in line]
        order = [text for line in said for text in ("1 accept", "2 before_suspend", "3 after_resume", "4 healthy",
                                                    "5 on_rollback") if text in line]
        self.assertEqual(list(dict.fromkeys(order)), ["1 accept", "2 before_suspend", "3 after_resume", "4 healthy"])

    def test_the_images_script_goes_before_a_releases_own(self):
        machine = self.machine_with('function accept() return false, "the image says no" end')
        self.hooked_release("new", "function accept() return true end")
        self.refused(machine, says="the image says no")

    def test_what_was_put_off_is_asked_again(self):
        machine = self.machine_with('function accept(release) return "later", "not now" end')
        self.put_off("new")
        self.script("function accept() return true end")
        machine.wait_for_version("new", timeout=40)

    def test_a_failed_health_hook_rolls_back(self):
        machine = self.machine_with("""
            function healthy() return false, "the queue grows" end
            function on_rollback(context) midair.log("rolled back for", context.error) end""")
        done = self.hot("new")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("the queue grows", done.stdout + done.stderr)
        machine.wait_for_version("base")
        wait_until(lambda: "rolled back for" in machine.log(), machine.tail)

    # -- what they can't do

    def test_before_the_switch_a_broken_hook_aborts(self):
        machine = self.started(options=QUICK)
        for number, (text, says) in enumerate([
                ("function before_suspend() error('no database') end", "no database"),
                # On a busy machine the time is over first.
                ("function before_suspend() while true do end end", "million instructions|took longer than"),
                ("function accept() return (('a'):rep(30) .. 'b'):find(('a-'):rep(30) .. 'c') end", "took longer than"),
                ("function accept() local t = {} while true do t[#t + 1] = ('x'):rep(1e6) .. #t end end", "memory"),
                # Text that C++ holds: 150 MB of JSON for one megabyte of Lua's.
                ("function accept() local t, s = {}, ('x'):rep(1e6) for i = 1, 150 do t[i] = s end "
                 "return #midair.json.encode(t) > 0 end", "memory"),
                ("function accept() local t, s = {}, ('x'):rep(1e6) for i = 1, 150 do t[i] = s end return t end",
                 "memory"),
                ("function accept() return os.execute('true') end", "global 'os'"),
                ("\x1bLua", "binary chunk"),
                ("function", "hooks.lua:1:")]):
            with self.subTest(text):
                # Its own script: what took too long is tried again, and must not meet the next one then.
                self.hooked_release(f"new{number}", text)
                self.refused(machine, f"new{number}", says)

    def test_after_the_switch_a_broken_hook_is_only_reported(self):
        machine = self.machine_with("function after_resume() error('nobody listens') end")
        self.publish("new")
        wait_until(lambda: "nobody listens" in machine.log(), machine.tail)
        self.assertEqual(machine.version(), "new")

    def test_a_hook_gets_nothing_of_the_sidecars_environment(self):
        secret = "canary-5f1d"
        machine = self.machine_with("""
            function accept()
              midair.log("globals", tostring(os), tostring(io), tostring(package), tostring(debug))
              return true
            end""", AWS_SECRET_ACCESS_KEY=secret)
        self.publish("new")
        self.assertIn("globals nil nil nil nil", machine.log())
        self.assertNotIn(secret, machine.log())

    # -- the examples

    def test_every_example_is_tried(self):
        there = {path.stem for path in EXAMPLES.glob("*.lua")}
        tried = {name.removeprefix("test_example_") for name in dir(self) if name.startswith("test_example_")}
        self.assertEqual(there, tried | {"migrate_json"}, "migrate_json is tried where state passes over")

    def test_example_journal(self):
        machine = self.machine_with((EXAMPLES / "journal.lua").read_text())
        self.publish("new")
        wait_until(lambda: "new serves on m1" in machine.log(), machine.tail)

    def test_example_canary_region(self):
        machine = self.machine_with((EXAMPLES / "canary_region.lua").read_text())
        self.refused(machine, "2-canary", says="canaries are for ams")
        self.publish("3")

    def test_example_health_over_http(self):
        text = (EXAMPLES / "health_over_http.lua").read_text()
        self.assertIn(":8080/", text)
        machine = self.machine_with(text.replace(":8080/", ":1/"))
        done = self.hot("new")
        self.assertIn("refused", done.stdout + done.stderr)
        machine.wait_for_version("base")

    def test_example_maintenance_window(self):
        text = (EXAMPLES / "maintenance_window.lua").read_text()
        machine = self.machine_with(text.replace("midair.now()", "(12 * 3600)"))
        self.put_off("new")
        self.assertIn("waits for the window from 02:00 to 05:00 UTC", machine.log())
        self.script(text.replace("midair.now()", "(3 * 3600)"))
        machine.wait_for_version("new", timeout=40)


if __name__ == "__main__":
    unittest.main()
