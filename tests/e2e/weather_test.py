"""Bad weather between the shipped programs and a real S3 server. Run by tests/support/s3/with-s3."""

import dataclasses
import json
import os
import re
import subprocess
import unittest
import uuid

import weather
from case import FleetCase, side_by_side
from certificates import Authority
from fleet import Agent, wait_until
from weather import Sky

POINTER, TARBALL, REPORT, LOCK = "-current.json", ".tar.gz", "-results/", "-deploy.lock"
IMAGE = "registry.fly.io/counter:deployment-01BASE"
LONG_AGO = "Sat, 01 Jan 2000 00:00:00 GMT"


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


@dataclasses.dataclass(frozen=True)
class Fault:
    """What happens to a machine's requests, and what its log then says (a regular expression)."""

    name: str
    fault: object
    key: str
    words: str
    method: str = "GET"

    def __str__(self):
        return self.name


# What ends by a deadline takes longest, so it goes first.
FAULTS = [
    Fault("tarball drips", weather.drips_body, TARBALL, "deadline of the whole call"),
    Fault("pointer's head drips", weather.drips_head, POINTER, "no answer within|deadline of the whole call"),
    Fault("pointer hangs", weather.says_nothing, POINTER, "no answer within|deadline of the whole call"),
    Fault("pointer reset", weather.resets, POINTER, "reset by peer|closed the connection"),
    Fault("pointer 301", weather.redirects(301), POINTER, "status 301.*redirects are not followed"),
    Fault("pointer 307", weather.redirects(307), POINTER, "status 307.*redirects are not followed"),
    Fault("pointer 403", weather.answers(403, "AccessDenied"), POINTER, "status 403, AccessDenied.*allow this key"),
    Fault("pointer 403 by a wrong clock", weather.answers(403, "RequestTimeTooSkewed", date=LONG_AGO), POINTER,
          "RequestTimeTooSkewed.*set this host's clock"),
    Fault("pointer 404 after success", weather.answers(404, "NoSuchKey"), POINTER, "pointer.vanished"),
    Fault("pointer 404 of a stranger", weather.page(404), POINTER, "looks like HTML"),
    Fault("pointer 429", weather.answers(429), POINTER, "status 429"),
    Fault("pointer 503", weather.answers(503, "SlowDown"), POINTER, "status 503, SlowDown"),
    Fault("pointer 503 for a second", weather.answers(503, "SlowDown", retry_after="1"), POINTER, "status 503"),
    Fault("pointer HTML", weather.page(), POINTER, "it is HTML"),
    Fault("pointer without length", weather.without_length, POINTER, "does not say how long it is"),
    Fault("pointer too short", weather.wrong_length(-5), POINTER, "pointer.rejected"),
    Fault("pointer too long", weather.wrong_length(5), POINTER, "5 bytes before the end", method=""),
    Fault("pointer 304 for ever", weather.never_changes, POINTER, ""),  # nobody can tell
    Fault("tarball 307", weather.redirects(307), TARBALL, "status 307.*redirects are not followed"),
    Fault("tarball 403", weather.answers(403, "AccessDenied"), TARBALL, "status 403, AccessDenied"),
    Fault("tarball 404", weather.answers(404, "NoSuchKey"), TARBALL, "status 404, NoSuchKey"),
    Fault("tarball 429", weather.answers(429, retry_after="1"), TARBALL, "status 429"),
    Fault("tarball HTML", weather.page(), TARBALL, "it is HTML"),
    Fault("tarball without length", weather.without_length, TARBALL, "does not say how long it is"),
    Fault("tarball too short", weather.wrong_length(-5), TARBALL, "shorter than the .* bytes that were promised"),
    Fault("reports 403", weather.answers(403, "AccessDenied"), REPORT, "report.failing.*status 403", "PUT"),
    Fault("reports 409", weather.answers(409, "OperationAborted"), REPORT, "report.failing.*status 409", "PUT"),
    Fault("reports 412", weather.answers(412, "PreconditionFailed"), REPORT, "report.failing.*status 412", "PUT"),
    Fault("reports 503", weather.answers(503, "SlowDown"), REPORT, "report.failing.*status 503", "PUT"),
]


class Machines(WeatherCase):
    def clears_up(self, bad):
        """An upgrade is published while only the machine has bad weather; it clears once the machine has named it."""
        machine, load = self.serving()
        self.wait_until_known()
        self.publish("before")
        pid, known = machine.status()["pid"], len(machine.log())
        self.sky.bad(bad.fault, who="machine", method=bad.method, key=bad.key)
        with self.hot_in_background("after") as agent:
            wait_until(lambda: re.search(bad.words, machine.log()[known:]), machine.tail, 60)
            if bad.key != REPORT:
                self.assertEqual((machine.version(), machine.status()["pid"]), ("before", pid), machine.tail())
            self.sky.clear()
            said, _ = agent.communicate(timeout=90)

        # A machine that could not fetch the release says so at once, and goes on trying.
        if bad.key != TARBALL or agent.returncode == 0:
            self.assertEqual(agent.returncode, 0, f"{said}\n{machine.tail(40)}")
        else:
            self.assertRegex(said, "m1 .*failed +cannot ")
        machine.wait_for_version("after", 60)
        self.assert_unharmed(machine, load)
        self.assertEqual(self.elsewhere.records, [], "a redirect was followed")

    def test_the_app_is_served_the_fault_is_named_and_then_the_upgrade_goes_through(self):
        side_by_side(self, Machines, Machines.clears_up, [(fault,) for fault in FAULTS], number=8)

    def boots(self, bad):
        """A machine that starts in bad weather serves its base image, and is upgraded once it clears."""
        self.sky.bad(bad.fault, who="machine", method=bad.method, key=bad.key)
        machine, load = self.serving(options={"--boot-timeout": "2s"})
        wait_until(lambda: re.search(f"boot.as_committed.*{bad.words}", machine.log()), machine.tail)
        self.sky.clear()
        self.sky.drop_connections()  # ends what still hangs
        self.wait_until_known()
        self.publish("after")
        self.assertEqual(machine.version(), "after")
        self.assert_unharmed(machine, load)

    def test_a_machine_boots_and_names_the_fault_in_any_weather(self):
        side_by_side(self, Machines, Machines.boots, [
            (Fault("hangs", weather.says_nothing, POINTER, "deadline of the whole call"),),
            (Fault("403", weather.answers(403, "AccessDenied"), POINTER, "status 403, AccessDenied"),),
            (Fault("304 unasked", weather.unasked_304, POINTER, "status 304 was not asked for"),),
            (Fault("HTML", weather.page(), POINTER, "it is HTML"),),
        ])

    def does_not_notice(self, _, fault, key):
        """The upgrade goes through in that weather, once."""
        self.sky.bad(fault, who="machine", key=key)
        machine, load = self.serving()
        self.wait_until_known()
        self.publish("after")
        self.assertEqual(machine.version(), "after")
        machine.wait_for_polls(5)
        self.assertEqual(machine.log().count("release.committed"), 1, machine.tail())
        self.assert_unharmed(machine, load)

    def test_what_is_only_odd_does_not_delay_an_upgrade(self):
        side_by_side(self, Machines, Machines.does_not_notice, [
            ("weak ETags", weather.changed(lambda answer: answer.having(etag="W/" + answer.headers.get("etag", ""))), ""),
            ("another ETag in every answer", weather.ever_new_etags(), POINTER),
            ("a date of long ago", weather.changed(lambda answer: answer.having(date=LONG_AGO)), ""),
            ("tarball in crumbs", weather.cut(1000, reset=True), TARBALL),
        ])


SIZE = 3_000_000  # of a release, about


def another_version(exchange):
    """A third of what was replaced a moment later."""
    answer = exchange.forward()
    other = dataclasses.replace(answer.having(etag='"0123"'), body=os.urandom(len(answer.body)))
    exchange.send(other, SIZE // 3)


@dataclasses.dataclass(frozen=True)
class Transfer:
    """What happens to the first requests for a tarball, and how many bytes are fetched twice at most."""

    name: str
    faults: tuple
    twice: int

    def __str__(self):
        return self.name


TRANSFERS = [
    Transfer("cut three times", (weather.cut(SIZE // 5),) * 3, 0),
    Transfer("reset three times", (weather.cut(SIZE // 5, reset=True),) * 3, 3 * 64 * 1024),
    Transfer("cut, and refused until the next try", (weather.cut(SIZE // 2), weather.answers(403)), 0),
    Transfer("replaced meanwhile", (another_version,), SIZE // 3),
    Transfer("cut by a server that ignores ranges", (weather.cut(SIZE // 3), weather.ignores_range), SIZE // 3),
]


class Transfers(WeatherCase):
    """Bytes already fetched are not fetched again."""

    def big_release(self):
        (self.release("after") / "ballast.bin").write_bytes(os.urandom(SIZE))

    def fetches(self):
        return self.sky.seen(who="machine", method="GET", key=TARBALL)

    def assert_fetched_once(self, twice=0):
        size = self.sky.seen(who="agent", method="PUT", key=TARBALL)[0].taken
        fetched = sum(record.passed for record in self.fetches() if record.status in (200, 206))
        self.assertGreaterEqual(fetched, size)
        self.assertLessEqual(fetched, size + twice)

    def arrives(self, transfer):
        machine, load = self.serving()
        self.wait_until_known()
        for fault in transfer.faults:
            self.sky.bad(fault, who="machine", method="GET", key=TARBALL, times=1)
        self.big_release()
        self.hot("after")
        machine.wait_for_version("after", 60)
        self.assertGreater(len(self.fetches()), len(transfer.faults) - (weather.ignores_range in transfer.faults))
        self.assert_fetched_once(transfer.twice)
        self.assert_unharmed(machine, load)

    def test_a_transfer_goes_on_where_it_was_cut(self):
        side_by_side(self, Transfers, Transfers.arrives, [(transfer,) for transfer in TRANSFERS])

    def test_a_machine_that_dies_while_it_fetches_goes_on_after_its_start(self):
        machine = self.machine(env=self.environment("machine")).start()
        machine.wait_for_version("base")
        self.wait_until_known()
        self.big_release()
        for fault in weather.cut(SIZE // 2), weather.says_nothing:
            self.sky.bad(fault, who="machine", method="GET", key=TARBALL, times=1)
        with self.hot_in_background("after") as agent:
            wait_until(lambda: len(self.fetches()) == 2, machine.tail)
            machine.kill()
            machine.start()
            said, _ = agent.communicate(timeout=90)
        self.assertEqual(agent.returncode, 0, f"{said}\n{machine.tail()}")
        self.assertEqual(machine.version(), "after")
        self.assert_fetched_once()


class Certificates(WeatherCase):
    NAMES = "DNS:localhost"

    def new_sky(self):
        directory = self.root / "ours"
        directory.mkdir()
        self.authority = Authority(directory)
        self.good = self.authority.sign("good", self.NAMES)
        return self.resources.enter_context(Sky(os.environ["AWS_ENDPOINT_URL_S3"], certificate=self.good))

    def environment(self, who):
        return {**super().environment(who), "MIDAIR_CA_FILE": str(self.authority.certificate)}

    def test_a_bad_certificate_is_named_and_nothing_is_sent_until_it_is_good(self):
        machine, load = self.serving()
        self.wait_until_known()
        (self.root / "theirs").mkdir()
        bad = {
            "wrong name": (self.authority.sign("wrong-name", "DNS:elsewhere.example"), "for another name than localhost"),
            "expired": (self.authority.sign("expired", self.NAMES, days=-1), "certificate has expired"),
            "unknown": (Authority(self.root / "theirs").sign("unknown", self.NAMES), "unable to get local issuer certificate"),
        }
        for number, (name, (certificate, words)) in enumerate(bad.items()):
            with self.subTest(name):
                known, asked = len(machine.log()), len(self.sky.records)
                self.sky.certificate = certificate
                self.sky.drop_connections()
                wait_until(lambda: "poll.failing" in machine.log()[known:], machine.tail)
                asked = len(self.sky.records)
                done = self.hot(f"r{number}")
                self.assertRegex(machine.log()[known:], words)
                self.assertRegex(done.stderr, words)
                self.assertEqual((done.returncode, len(self.sky.records)), (65, asked))
                self.sky.certificate = self.good
                self.publish(f"r{number}")
                self.assertEqual(machine.version(), f"r{number}")
        self.assert_unharmed(machine, load)


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
