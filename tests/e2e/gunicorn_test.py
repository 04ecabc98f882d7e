"""An app that nobody here wrote: gunicorn from Debian, which knows socket activation but not how to say READY=1."""

import unittest

from case import FleetCase

WSGI = """import os

VERSION = "{version}"


def app(environ, start_response):
    body = ('{{"version": "%s"}}' % VERSION).encode()
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body))),
                              ("App-Version", VERSION), ("Midair-Release", os.environ.get("MIDAIR_DIGEST", ""))])
    return [body]
"""


class Gunicorn(FleetCase):
    def release(self, version, **files):
        directory = self.root / f"release-{version}"
        directory.mkdir(exist_ok=True)
        (directory / "wsgi.py").write_text(WSGI.format(version=version))
        return directory

    def upgrade_three_times(self, *worker):
        command = ("gunicorn", "--graceful-timeout", "5", "--log-level", "warning", *worker, "wsgi:app")
        machine = self.started(command=command, options={"--ready-http": "/"})
        load = self.load(machine, "--connections", "8", "--think", "10ms", "--posts", "0")
        load.wait_for_requests(50)
        versions = ["r1", "r2", "r3"]
        for version in versions:
            self.publish(version)
            self.assertEqual(machine.version(), version)
            load.wait_for_requests(load.latest()["requests"] + 50)
        summary = load.finish()
        self.assertEqual((summary["failures"], summary["failure_samples"]), (0, []), machine.tail(40))
        self.assertEqual(set(summary["versions"]), {"base", *versions})
        print(f"gunicorn {' '.join(worker)}: {summary['requests']} requests, 0 failed, {summary['reconnects']} reconnects, "
              f"longest pause {summary['pause_ms']:.0f} ms")

    def test_a_result_carries_what_the_new_code_says_it_is_not_what_was_meant(self):
        self.started(command=("gunicorn", "--log-level", "warning", "wsgi:app"), options={"--ready-http": "/"})
        code = self.release("r1") / "wsgi.py"
        code.write_text(code.read_text().replace('os.environ.get("MIDAIR_DIGEST", "")', '"f" * 64'))
        self.assertEqual(self.hot("r1", directory=code.parent).returncode, 0)
        self.assertEqual(self.store.result("m1", "r1")["observed_digest"], "f" * 64)

    def test_sync_workers_fail_no_request(self):
        self.upgrade_three_times("--worker-class", "sync", "--workers", "2")

    def test_threaded_workers_with_keep_alive_fail_no_request(self):
        self.upgrade_three_times("--worker-class", "gthread", "--workers", "2", "--threads", "4", "--keep-alive", "5")


if __name__ == "__main__":
    unittest.main()
