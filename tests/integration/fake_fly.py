"""Runs the built midair against the fake of the Machines API."""

import json
import re
import subprocess
import urllib.request

from agent import AgentTest, BUILD


class MachinesTest(AgentTest):
    fake_options = ("--app", "web:3")

    def setUp(self):
        super().setUp()
        self.fake = subprocess.Popen([BUILD / "bin" / "midair-fake-fly", "--pace", "0.04", *self.fake_options],
                                     stdout=subprocess.PIPE, text=True)
        self.addCleanup(self.fake.stdout.close)
        self.addCleanup(self.fake.wait)
        self.addCleanup(self.fake.kill)
        self.url = self.fake.stdout.readline().split()[-1]
        self.env.update(FLY_API_TOKEN="fake-token", FLY_APP_NAME="web", FLY_FLAPS_BASE_URL=self.url)

    def ok(self, *args, **options):
        result = self.midair(*args, **options)
        self.assertEqual((0, ""), (result.returncode, result.stderr), result.stdout)
        return result.stdout

    def objects(self, *args):
        return [json.loads(line) for line in self.ok(*args, "--json").splitlines()]

    def ids(self):
        return [machine["id"] for machine in self.objects("machines", "list")]

    def fake_call(self, verb, document=None):
        body = None if document is None else json.dumps(document).encode()
        with urllib.request.urlopen(f"{self.url}/_fake/{verb}", body, timeout=30) as answer:
            return json.load(answer)

    def requests(self, method, path):
        return [request for request in self.fake_call("requests")
                if request["method"] == method and re.search(path, request["path"])]
