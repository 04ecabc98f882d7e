"""`midair machines`, `apps`, `volumes` and `secrets` against the fake of the Machines API."""

import subprocess
import unittest

from fake_fly import MachinesTest


class Machines(MachinesTest):
    def test_a_list_is_a_table_or_the_apis_own_objects(self):
        table = self.ok("machines", "list").splitlines()
        self.assertEqual(["ID", "NAME", "STATE", "CHECKS", "REGION", "GROUP", "IMAGE", "SIZE", "UPDATED"], table[0].split())
        self.assertEqual(4, len(table))
        machine = self.objects("machines", "list")[0]
        self.assertEqual("shared", machine["config"]["guest"]["cpu_kind"])
        self.assertEqual("none\n", self.ok("machines", "list", "--state", "suspended"))

    def test_many_machines_are_stopped_and_started_in_one_line(self):
        outcomes = self.objects("machines", "stop", "--all", "--wait")
        self.assertEqual({(machine, "stopped") for machine in self.ids()},
                         {(outcome["machine_id"], outcome["state"]) for outcome in outcomes})
        self.assertEqual(3, self.ok("machines", "start", "--all", "--wait").count("  started\n"))

    def test_what_fails_for_some_is_told_for_each(self):
        first = self.ids()[0]
        result = self.midair("machines", "cordon", first, "nosuch")
        self.assertEqual((1, f"{first}  cordoned\n"), (result.returncode, result.stdout))
        self.assertIn("HTTP status 404: machine not found (request id ", result.stderr)
        self.assertEqual(66, self.midair("machines", "cordon", "nosuch").returncode)

    def test_the_names_of_machines_steer_no_terminal_and_break_no_line(self):
        evil = "\x1b[2J\u009b2J\u202eevil\nweb"
        told = self.ok("machines", "create", "--image", "x", "--name", evil)
        self.assertRegex(told.splitlines()[0], r"^created \w+ \(\?\[2J\?2J\?evil\?web\) in ")
        table = next(text for _ in range(100) if "evil" in (text := self.ok("machines", "list")))  # lists are behind
        self.assertIn("?[2J?2J?evil?web  ", table)
        refused = self.midair("machines", "start", evil)
        self.assertEqual([], [c for c in refused.stdout + refused.stderr if c in "\x1b\u009b\u202e"])
        self.assertEqual(1, refused.stderr.count("midair: "), refused.stderr)

    def test_a_rehearsal_destroys_nothing(self):
        first = self.ids()[0]
        self.assertEqual(f"{first}  would be destroyed; it is started\n", self.ok("machines", "destroy", first, "--dry-run"))
        self.assertEqual([], self.requests("DELETE", ""))
        self.ok("machines", "destroy", first, "--force", "--wait")
        self.assertTrue(any(first not in self.ids() for _ in range(100)), "lists are behind, but not that far")

    def test_a_machine_is_made_updated_and_looked_at(self):
        made = self.objects("machines", "create", "--image", "registry.fly.io/web:v1", "--region", "iad", "--wait")[0]
        self.ok("machines", "metadata", made["id"], "role=db")
        self.ok("machines", "update", made["id"], "--image", "registry.fly.io/web:v2", "--wait")
        machine = self.objects("machines", "get", made["id"])[0]
        self.assertEqual("registry.fly.io/web:v2", machine["config"]["image"])
        self.assertEqual({"role": "db", "midair_create_id": made["config"]["metadata"]["midair_create_id"]},
                         machine["config"]["metadata"])
        self.assertEqual([machine["id"]], [found["id"] for found in
                                           self.objects("machines", "list", "--metadata", "role=db")])
        self.assertRegex(self.ok("machines", "get", made["id"]), "image +registry.fly.io/web:v2\n")

    def test_a_lost_answer_makes_no_second_machine(self):
        self.fake_call("faults", {"method": "POST", "path": "/machines$", "status": 0, "after": True})
        self.ok("machines", "create", "--image", "x")
        self.assertEqual(1, len(self.requests("POST", "/machines$")))
        self.assertEqual(4, len(self.ids()))

    def test_a_lease_keeps_others_off_and_its_holder_in(self):
        first = self.ids()[0]
        lease = self.objects("machines", "lease", "take", first, "--ttl", "10m")[0]
        refused = self.midair("machines", "stop", first)
        self.assertEqual(75, refused.returncode)
        self.assertIn("lease currently held by fake@tokens.fly.io, expires at ", refused.stderr)
        self.assertNotIn(lease["nonce"], refused.stderr)
        self.env["MIDAIR_LEASE_NONCE"] = lease["nonce"]
        self.ok("machines", "stop", first)
        self.ok("machines", "lease", "release", first)
        self.assertEqual(66, self.midair("machines", "lease", "show", first).returncode)

    def test_capacity_has_a_status_of_its_own(self):
        self.fake_call("faults", {"method": "POST", "path": "/start$", "status": 503, "error": "no room",
                                  "kind": "insufficient_capacity"})
        result = self.midair("machines", "start", self.ids()[0])
        self.assertEqual(73, result.returncode, result.stderr)
        self.assertEqual(1, len(self.requests("POST", "/start$")))

    def test_a_command_runs_in_a_machine_with_its_own_status(self):
        first = self.ids()[0]
        self.assertEqual("hello there\n", self.ok("machines", "exec", first, "--", "echo", "hello", "there"))
        self.assertEqual(1, self.midair("machines", "exec", first, "--", "false").returncode)

    def test_mistakes_are_explained(self):
        for args, words in ((("machines", "stop"), "none is named"),
                            (("machines", "stop", "x", "--all"), "both --all and ids"),
                            (("machines", "wait", "x", "--state", "stopped"), "narrow down --all"),
                            (("machines", "create"), "name an image"),
                            (("machines", "update", "x"), "say what changes"),
                            (("machines", "lease", "steal", "x"), "none of show, take and release"),
                            (("machines", "list", "--metadata", "x"), "write KEY=VALUE"),
                            (("machines", "lst"), "Try: midair machines list"),
                            (("secrets", "set", "KEY=value"), "seen by everybody")):
            with self.subTest(args):
                result = self.midair(*args)
                self.assertIn(result.returncode, (64, 65))
                self.assertIn(words, result.stderr)
        self.assertEqual([], self.requests("POST", ""))

    def test_a_wrong_token_and_a_wrong_address_are_told(self):
        self.env["FLY_API_TOKEN"] = "fo1_wrongtoken"
        result = self.midair("machines", "list")
        self.assertEqual(77, result.returncode)
        self.assertNotIn("wrongtoken", result.stdout + result.stderr)
        self.assertNotIn("tokens.replaced", result.stderr)
        self.assertEqual(78, self.midair("machines", "list", "--base-url", "nonsense").returncode)


    def test_a_token_that_is_replaced_by_another_is_a_warning(self):
        (self.cwd / ".fly").mkdir()
        (self.cwd / ".fly" / "config.yml").write_text(f"access_token: {self.env['FLY_API_TOKEN']}\n")
        self.env["FLY_API_TOKEN"] = "fo1_wrongtoken"
        result = self.midair("machines", "list")
        self.assertEqual(0, result.returncode, result.stderr)
        self.assertIn('warning tokens.replaced app=web rejected="environment FLY_API_TOKEN"', result.stderr)
        self.assertNotIn("wrongtoken", result.stdout + result.stderr)


class Others(MachinesTest):
    fake_options = ("--app", "web")

    def test_an_app_is_made_and_destroyed(self):
        self.ok("apps", "create", "other")
        self.assertEqual({"web", "other"}, {app["name"] for app in self.objects("apps", "list")})
        self.ok("apps", "destroy", "other", "--dry-run")
        self.ok("apps", "get", "other")
        self.ok("apps", "destroy", "other")
        self.assertEqual(66, self.midair("apps", "get", "other").returncode)

    def test_a_volume_is_made_extended_and_destroyed(self):
        volume = self.objects("volumes", "create", "data", "--size-gb", "3")[0]["id"]
        self.assertEqual(5, self.objects("volumes", "extend", volume, "--size-gb", "5")[0]["size_gb"])
        self.ok("volumes", "snapshots", volume, "--take")
        self.assertEqual(1, len(self.objects("volumes", "snapshots", volume)))
        self.assertIn("would destroy", self.ok("volumes", "destroy", volume, "--dry-run"))
        self.ok("volumes", "destroy", volume)
        self.assertEqual([], self.objects("volumes", "list"))

    def test_a_secrets_value_comes_from_standard_input_and_is_never_shown(self):
        result = subprocess.run(self.command("secrets", "set", "KEY"), cwd=self.cwd, env=self.env, timeout=30, text=True,
                                input="opensesame\n", capture_output=True)
        self.assertEqual((0, "set KEY\n", ""), (result.returncode, result.stdout, result.stderr))
        self.assertEqual({"value": "opensesame"}, self.requests("POST", "/secrets/KEY$")[0]["body"])
        self.assertEqual("KEY", self.objects("secrets", "list")[0]["name"])
        self.assertNotIn("opensesame", self.ok("secrets", "list", "--log-level", "debug"))
        self.ok("secrets", "unset", "KEY")
        self.assertEqual("none\n", self.ok("secrets", "list"))


if __name__ == "__main__":
    unittest.main()
