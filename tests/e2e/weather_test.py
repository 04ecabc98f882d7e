"""Bad weather between machines and a real S3 server: the app is served, the fault is named, and once the weather clears
the upgrade goes through by itself. Run by tests/support/s3/with-s3."""

import dataclasses
import os
import re
import unittest

import weather
from case import side_by_side
from certificates import Authority
from fleet import wait_until
from weather import Sky
from weather_case import POINTER, REPORT, TARBALL, WeatherCase

LONG_AGO = "Sat, 01 Jan 2000 00:00:00 GMT"


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


FAULTS_AT_BOOT = [
    Fault("hangs", weather.says_nothing, POINTER, "deadline of the whole call"),
    Fault("403", weather.answers(403, "AccessDenied"), POINTER, "status 403, AccessDenied"),
    Fault("304 unasked", weather.unasked_304, POINTER, "status 304 was not asked for"),
    Fault("HTML", weather.page(), POINTER, "it is HTML"),
]

ODDITIES = [
    Fault("weak ETags", weather.changed(lambda answer: answer.having(etag="W/" + answer.headers.get("etag", ""))), "", ""),
    Fault("another ETag in every answer", weather.ever_new_etags(), POINTER, ""),
    Fault("a date of long ago", weather.changed(lambda answer: answer.having(date=LONG_AGO)), "", ""),
    Fault("tarball in crumbs", weather.cut(1000, reset=True), TARBALL, ""),
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
        side_by_side(self, Machines, Machines.boots, [(fault,) for fault in FAULTS_AT_BOOT])

    def does_not_notice(self, odd):
        """The upgrade goes through in that weather, once."""
        self.sky.bad(odd.fault, who="machine", key=odd.key)
        machine, load = self.serving()
        self.wait_until_known()
        self.publish("after")
        self.assertEqual(machine.version(), "after")
        machine.wait_for_polls(5)
        self.assertEqual(machine.log().count("release.committed"), 1, machine.tail())
        self.assert_unharmed(machine, load)

    def test_what_is_only_odd_does_not_delay_an_upgrade(self):
        side_by_side(self, Machines, Machines.does_not_notice, [(odd,) for odd in ODDITIES])


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


if __name__ == "__main__":
    unittest.main()
