"""What a machine serves after a start: the release of its image, with or without its disk, with or without the store."""

import shutil
import signal
import socket
import time
import unittest

from case import FleetCase
from fleet import wait_until


def nobody_listens():
    """An S3 endpoint that refuses connections."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}"


class Boot(FleetCase):
    def setUp(self):
        super().setUp()
        self.m1 = self.started()

    def restart(self, wipe=False):
        self.assertEqual(self.m1.stop(), 0, self.m1.tail())
        if wipe:
            shutil.rmtree(self.m1.state_dir)
        self.m1.start()

    def lose_store(self, endpoint):
        self.m1.store = "s3://nowhere"
        self.m1.env = {"AWS_ENDPOINT_URL_S3": endpoint, "AWS_ACCESS_KEY_ID": "k", "AWS_SECRET_ACCESS_KEY": "s"}

    def first_answer(self, within):
        """The version of the first answer after a start: nothing else may be served before."""
        started = time.monotonic()
        version = wait_until(self.m1.version, self.m1.tail, within)
        return version, time.monotonic() - started

    def test_the_release_is_applied_before_the_app_starts_when_the_disk_was_reset(self):
        self.publish("r1")
        self.restart(wipe=True)
        self.assertEqual(self.first_answer(10)[0], "r1")
        self.assertEqual(self.store.record("m1")["version"], "r1")

    def test_the_release_is_served_again_when_the_disk_was_kept(self):
        self.publish("r1")
        self.restart()
        self.assertEqual(self.first_answer(10)[0], "r1")

    def test_a_release_published_while_the_machine_was_down_is_applied_at_boot(self):
        self.started("m2")
        self.assertEqual(self.m1.stop(), 0)
        self.publish("r1")
        self.m1.start()
        self.assertEqual(self.first_answer(10)[0], "r1")

    def test_without_the_store_the_last_committed_release_is_served(self):
        self.publish("r1")
        self.lose_store(nobody_listens())
        self.restart()
        self.assertEqual(self.first_answer(15)[0], "r1")

    def test_without_store_and_disk_the_base_image_is_served(self):
        self.publish("r1")
        self.lose_store(nobody_listens())
        self.restart(wipe=True)
        self.assertEqual(self.first_answer(15)[0], "base")

    def test_a_store_that_never_answers_delays_the_boot_by_ten_seconds_at_most(self):
        with socket.create_server(("127.0.0.1", 0)) as silent:
            self.lose_store(f"http://127.0.0.1:{silent.getsockname()[1]}")
            self.restart()
            version, seconds = self.first_answer(20)
        self.assertEqual(version, "base")
        self.assertLess(seconds, 16)  # and what a busy machine takes to start three processes

    def test_a_stop_does_not_wait_for_a_store_that_never_answers(self):
        with socket.create_server(("127.0.0.1", 0)) as silent:
            self.lose_store(f"http://127.0.0.1:{silent.getsockname()[1]}")
            self.restart()
            asked, _ = silent.accept()
            with asked:
                started = time.monotonic()
                self.assertEqual(self.m1.stop(), 128 + signal.SIGTERM)
                self.assertLess(time.monotonic() - started, 3)

    def publish_breakable(self, version):
        """Publishes a release that serves well until the file is there that is returned; then each start of it fails."""
        flag = self.root / "break"
        shebang, server = (self.release("base") / "server.py").read_text().split("\n", 1)
        check = f"import os, sys\nos.path.exists({str(flag)!r}) and sys.exit(3)"
        self.release(version, server=f"{shebang}\n{check}\n{server}")
        self.publish(version)
        return flag

    def start_badly(self, times):
        for _ in range(times):
            self.m1.start()
            self.assertEqual(self.m1.process.wait(20), 3, self.m1.tail())

    def test_a_committed_release_that_ends_at_three_starts_is_given_up_for_the_base_image(self):
        flag = self.publish_breakable("r1")
        self.m1.stop()
        flag.touch()
        self.start_badly(3)
        self.m1.start()
        self.assertEqual(self.first_answer(15)[0], "base")
        result = self.store.wait_for_result("m1", "r1", "rolled_back")
        self.assertIn("3 starts", result["error"])
        self.restart()
        self.assertEqual(self.first_answer(15)[0], "base", "it stays given up")
        self.publish("r2")
        self.assertEqual(self.m1.version(), "r2")

    def test_a_good_start_in_between_redeems_a_committed_release(self):
        flag = self.publish_breakable("r1")
        self.m1.stop()
        flag.touch()
        self.start_badly(2)
        flag.unlink()
        self.m1.start()
        wait_until(lambda: (self.m1.file("attempts.json") or {}).get("attempts") == [], self.m1.tail)
        self.m1.stop()
        flag.touch()
        self.start_badly(2)
        flag.unlink()
        self.m1.start()
        self.assertEqual(self.first_answer(15)[0], "r1")

    def test_stops_and_power_cuts_soon_after_a_start_do_not_count_against_a_release(self):
        self.publish("r1")
        self.m1.options["--probation"] = "1m"
        for _ in range(2):
            self.restart()
            self.assertEqual(self.first_answer(15)[0], "r1")
            self.m1.kill()
            self.m1.start()
            self.assertEqual(self.first_answer(15)[0], "r1")

    def test_the_app_serves_on_while_the_store_is_away_and_upgrades_when_it_is_back(self):
        load = self.load(self.m1)
        away = self.store.directory / "away"
        self.store.releases.rename(away)
        self.store.releases.write_text("no directory")
        load.wait_for_requests(200)
        self.assertEqual(self.m1.version(), "base")
        self.store.releases.unlink()
        away.rename(self.store.releases)
        self.publish("r1")
        self.assert_unharmed(self.m1, load)


if __name__ == "__main__":
    unittest.main()
