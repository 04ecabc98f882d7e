"""Bad weather between `midair hot` and a real S3 server: it says what is wrong, the store stays consistent, and the next
one succeeds. Run by tests/support/s3/with-s3."""

import dataclasses
import json
import re
import subprocess
import unittest

import weather
from case import side_by_side
from fleet import Agent, wait_until
from weather_case import LOCK, POINTER, TARBALL, WeatherCase

IMAGE = "registry.fly.io/counter:deployment-01BASE"


@dataclasses.dataclass(frozen=True)
class Trouble:
    """What happens to requests of `midair hot`, its exit status, and what it says (a regular expression)."""

    name: str
    fault: object
    method: str
    key: str
    status: int
    words: str = ""
    times: int = -1

    def __str__(self):
        return self.name


LISTING, ALL, HISTORY = "list-type=2", "", "-history/"
TROUBLES = [
    Trouble("301 everywhere", weather.redirects(301), "", ALL, 65, "redirects are not followed"),
    Trouble("503 everywhere", weather.answers(503, "SlowDown"), "", ALL, 69, "503, SlowDown"),
    Trouble("503 for ten minutes", weather.answers(503, "SlowDown", retry_after="600"), "", ALL, 69, "503, SlowDown"),
    Trouble("a portal", weather.page(), "", ALL, 65, "HTML"),
    Trouble("listing is HTML", weather.page(), "GET", LISTING, 65, "HTML"),
    Trouble("listing 403", weather.answers(403, "AccessDenied"), "GET", LISTING, 77, "403, AccessDenied"),
    Trouble("lock 403", weather.answers(403, "AccessDenied"), "PUT", LOCK, 77, "403, AccessDenied"),
    Trouble("lock 409", weather.answers(409, "ConditionalRequestConflict"), "PUT", LOCK, 69, "409"),
    Trouble("lock 412", weather.answers(412, "PreconditionFailed"), "PUT", LOCK, 69, "412"),
    Trouble("lock 409 once", weather.answers(409, "ConditionalRequestConflict"), "PUT", LOCK, 0, times=1),
    Trouble("lock taken, answer lost", weather.loses_answer, "PUT", LOCK, 0, times=1),
    Trouble("lock stays", weather.answers(503, "SlowDown"), "DELETE", LOCK, 0, "lock.not_released.*503"),
    Trouble("tarball 403", weather.answers(403, "AccessDenied"), "PUT", TARBALL, 77, "403, AccessDenied"),
    Trouble("tarball 503", weather.answers(503, "SlowDown"), "PUT", TARBALL, 69, "503, SlowDown"),
    Trouble("tarball 409", weather.answers(409, "ConditionalRequestConflict"), "PUT", TARBALL, 69, "409"),
    Trouble("tarball reset", weather.resets, "PUT", TARBALL, 69, "reset|closed the connection"),
    Trouble("tarball reset once", weather.resets, "PUT", TARBALL, 0, times=1),
    Trouble("tarball stored, answer lost", weather.loses_answer, "PUT", TARBALL, 0, times=1),
    Trouble("history 503", weather.answers(503, "SlowDown"), "PUT", HISTORY, 69, "503"),
    Trouble("pointer is HTML", weather.page(), "GET", POINTER, 65, "HTML"),
    Trouble("pointer 403", weather.answers(403, "AccessDenied"), "PUT", POINTER, 77, "403, AccessDenied"),
    Trouble("pointer 503", weather.answers(503, "SlowDown"), "PUT", POINTER, 69, "503, SlowDown"),
    Trouble("pointer 412", weather.answers(412, "PreconditionFailed"), "PUT", POINTER, 69, "412"),
    Trouble("pointer 409 once", weather.answers(409, "ConditionalRequestConflict"), "PUT", POINTER, 0, times=1),
    Trouble("pointer stored, answer lost", weather.loses_answer, "PUT", POINTER, 0, times=1),
]


class Publisher(WeatherCase):
    OPTIONS = ("--force", "--image", IMAGE, "--lock-timeout", "2s")

    def publishes(self, trouble):
        """Whatever became of it: it says so, the store is consistent, and the next `midair hot` succeeds."""
        self.publish_first()
        self.sky.bad(trouble.fault, who="agent", method=trouble.method, key=trouble.key, times=trouble.times)
        done = self.hot("after", *self.OPTIONS)
        self.sky.clear()
        self.assertEqual(done.returncode, trouble.status, done.stdout + done.stderr)
        self.assertTrue(re.search(trouble.words, done.stdout + done.stderr), done.stdout + done.stderr)
        self.assertEqual(self.published(), "after" if trouble.status == 0 else "before")
        self.assertEqual(self.elsewhere.records, [], "a redirect was followed")

        again = self.hot("after", *self.OPTIONS)
        self.assertEqual(again.returncode, 0, again.stdout + again.stderr)
        self.assertEqual(self.published(), "after")

    def publish_first(self):
        done = self.hot("before", *self.OPTIONS)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def published(self):
        """The version that the pointer names."""
        done = subprocess.run(self.agent.command("status", "--json"), capture_output=True, check=True, timeout=30,
                              env=self.agent.environment(), cwd=self.root)
        return json.loads(done.stdout)["pointer"]["version"]

    def test_a_publisher_says_what_is_wrong_and_the_next_one_succeeds(self):
        side_by_side(self, Publisher, Publisher.publishes, [(trouble,) for trouble in TROUBLES], number=8)


class SlowLock(WeatherCase):
    """Two agents, and a store that takes its time."""

    def setUp(self):
        super().setUp()
        self.sky.bad(weather.late(0.05), key=LOCK)
        self.serving()
        self.wait_until_known()
        for version in "one", "other":
            code = self.release(version) / "release.py"
            code.write_text("import time\n\ntime.sleep(2)\n" + code.read_text())

    def test_only_one_of_two_agents_gets_the_lock(self):
        with self.hot_in_background("one") as one, self.hot_in_background("other") as other:
            said = {agent.communicate(timeout=90)[0]: agent.returncode for agent in (one, other)}
        self.assertEqual(sorted(said.values()), [0, 75], said)
        loser = next(words for words, status in said.items() if status == 75)
        self.assertRegex(loser, "holds it since")
        self.assertEqual(len([r for r in self.sky.seen(method="PUT", key=POINTER) if r.status == 200]), 1)
        self.publish("after")

    def test_an_agent_that_fails_to_take_the_lock_leaves_it_to_its_holder(self):
        with self.hot_in_background("one") as holder:
            wait_until(lambda: any(r.status == 200 for r in self.sky.seen(method="PUT", key=LOCK)), "the lock")
            self.sky.clear()
            self.sky.bad(weather.answers(503), who="other", method="PUT", key=LOCK)
            other = Agent(self.address, cwd=self.root, env=self.environment("other"))
            refused = other.run_hot(self.release("other"), "other")
            self.assertEqual(refused.returncode, 75, refused.stderr)
            self.assertEqual(self.sky.seen(who="other", method="DELETE", key=LOCK), [])
            said, _ = holder.communicate(timeout=90)
        self.assertEqual(holder.returncode, 0, said)


if __name__ == "__main__":
    unittest.main()
