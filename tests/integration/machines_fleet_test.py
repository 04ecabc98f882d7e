"""`midair status` and `midair hot` where Fly's view of the fleet and the store's differ."""

import json
import unittest

from fake_fly import MachinesTest

IMAGE = "registry.fly.io/fake:deployment-01FAKE"


class FleetTest(MachinesTest):
    def setUp(self):
        super().setUp()
        store = self.cwd / "store"
        self.records = store / "releases" / "web-machines"
        self.records.mkdir(parents=True)
        release = self.cwd / "release"
        release.mkdir()
        (release / "app.sh").write_text("true\n")
        self.env["MIDAIR_STORE"] = f"file://{store}"

    def check_in(self, machine, image=IMAGE, state="serving"):
        (self.records / f"{machine}.json").write_text(json.dumps({
            "machine_id": machine, "region": "fra", "process_group": "app", "base_image_ref": image, "hot_ref": "",
            "version": "", "digest": "", "sequence": 0, "fingerprint": "f" * 12, "state": state, "sidecar_version": "1",
            "booted_at": "2026-11-20T00:00:00Z", "updated_at": "2026-11-20T00:00:00Z"}))

    def status(self):
        return {machine["machine_id"]: machine for machine in json.loads(self.ok("status", "--json"))["machines"]}

    def covered(self, *options):
        result = self.midair("hot", "--from", "release", "--dry-run", "--json", *options)
        self.assertEqual(0, result.returncode, result.stderr)
        return next(event for event in map(json.loads, result.stdout.splitlines()) if event["event"] == "fleet")


class Fleet(FleetTest):
    def test_each_machine_is_told_that_only_one_of_the_two_knows_or_that_does_not_run(self):
        serving, silent, stopped = self.ids()
        self.check_in(serving)
        self.check_in(stopped)
        self.check_in("0gone")
        self.ok("machines", "stop", stopped, "--wait")
        verdicts = {machine: status["verdict"] for machine, status in self.status().items()}
        self.assertEqual({serving: "base_image", silent: "silent", stopped: "stopped", "0gone": "gone"}, verdicts)
        fleet = self.covered()
        self.assertEqual([serving], fleet["covered"])
        self.assertEqual({"0gone": "Fly knows no such machine", silent: "it has not checked in",
                          stopped: "stopped; it looks for its upgrade when it starts"},
                         {machine["machine_id"]: machine["reason"] for machine in fleet["uncovered"]})

    def test_another_image_is_told(self):
        machine = self.ids()[0]
        self.check_in(machine, image="registry.fly.io/web:deployment-01OLD")
        self.assertIn("Fly has another image for it, " + IMAGE, self.status()[machine]["why"])

    def test_an_api_that_fails_is_no_empty_fleet(self):
        machine = self.ids()[0]
        self.check_in(machine)
        self.fake_call("faults", {"method": "GET", "path": "/machines$", "status": 403, "error": "unauthorized", "times": 99})
        result = self.midair("status", "--json")
        self.assertEqual(["base_image"], [each["verdict"] for each in json.loads(result.stdout)["machines"]])
        self.assertIn("warning fleet.store_only", result.stderr)
        self.assertEqual([machine], self.covered()["covered"])

    def test_without_a_token_the_store_alone_counts_and_nothing_is_said(self):
        machine = self.ids()[0]
        self.check_in(machine)
        del self.env["FLY_API_TOKEN"]
        self.assertEqual([machine], list(self.status()))


class NoMachines(FleetTest):
    fake_options = ("--app", "web")

    def test_an_api_that_knows_no_machine_is_not_believed_while_some_serve(self):
        self.check_in("148e")
        result = self.midair("status", "--json")
        self.assertEqual(["base_image"], [each["verdict"] for each in json.loads(result.stdout)["machines"]])
        self.assertIn("it knows no machine of web, but some serve", result.stderr)


if __name__ == "__main__":
    unittest.main()
