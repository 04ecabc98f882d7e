"""What the tests in bad weather share. They are run by tests/support/s3/with-s3."""

import os
import subprocess
import uuid

from case import FleetCase
from fleet import Agent, wait_until
from weather import Sky

POINTER, TARBALL, REPORT, LOCK = "-current.json", ".tar.gz", "-results/", "-deploy.lock"


class WeatherCase(FleetCase):
    """One sky, and behind it a part of the bucket for itself. Agent and machine are told apart by their regions."""

    def setUp(self):
        super().setUp()
        self.address = f"s3://{os.environ['MIDAIR_TEST_BUCKET']}/{uuid.uuid4().hex[:8]}"
        self.elsewhere = self.resources.enter_context(Sky(os.environ["AWS_ENDPOINT_URL_S3"]))
        self.sky = self.new_sky()

    def new_sky(self):
        return self.resources.enter_context(Sky(os.environ["AWS_ENDPOINT_URL_S3"], elsewhere=self.elsewhere.url))

    def environment(self, who):
        return {"AWS_ENDPOINT_URL_S3": self.sky.url, "AWS_REGION": who}

    @property
    def agent(self):
        return Agent(self.address, cwd=self.root, env=self.environment("agent"))

    def serving(self, **settings):
        """A machine that serves, under load."""
        machine = self.machine(env=self.environment("machine"), **settings).start()
        machine.wait_for_version("base")
        return machine, self.load(machine, "--connections", "1", "--think", "20ms")

    def wait_until_known(self):
        wait_until(lambda: any(r.status == 200 for r in self.sky.seen(method="PUT", key="-machines/")),
                   "the machine to report itself")

    def hot_in_background(self, version, *options):
        hot = self.agent.hot(self.release(version), version, "--timeout", "60s", *options)
        return subprocess.Popen(hot, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=self.root,
                                env=self.agent.environment())
