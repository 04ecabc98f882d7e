"""Clients that keep their connections: led over in idle moments, streams held until the end of the drain time."""

import http.client
import threading
import time
import unittest

from case import ANSWERS, FleetCase
from fleet import wait_until

# HTTP/1.1 with kept-alive connections; no SIGTERM handler; /events sends one every 100 ms for ever.
SERVER = """#!/usr/bin/python3
import http.server, os, time
from answers import JsonHandler

class Handler(JsonHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if self.path == "/events":
            self.send_response(200)
            self.end_headers()
            while True:
                self.wfile.write(b"data: {version}\\n\\n")
                self.wfile.flush()
                time.sleep(0.1)
        self.answer({{"version": "{version}"}})

http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"""


class KeptAlive(FleetCase):
    def machine(self, name="m1", **settings):
        return super().machine(name, passed=False, **settings)

    def release(self, version, **files):
        return super().release(version, answers=ANSWERS, server=SERVER.format(version=version), **files)

    def client(self, machine, stop, seen, crossed):
        """Asks every 150 ms on one connection, until that is closed; a request that crossed the close counts."""
        connection = http.client.HTTPConnection("127.0.0.1", machine.port, timeout=10)
        while not stop.wait(0.15):
            try:
                connection.request("GET", "/")
                seen.append(connection.getresponse().read())
            except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError):
                # What http.client knows only once it asks: the server had closed in an idle moment.
                crossed.append(time.monotonic())
                connection.close()

    def test_kept_alive_clients_come_to_the_new_code_and_the_old_ends(self):
        machine = self.started(options={"--close-idle": "200ms", "--drain-timeout": "20s"})
        stop, seen, crossed = threading.Event(), [], []
        clients = [threading.Thread(target=self.client, args=(machine, stop, seen, crossed)) for _ in range(10)]
        for client in clients:
            client.start()
        wait_until(lambda: len(seen) > 20, machine.tail)
        try:
            self.publish("new")
            wait_until(lambda: "app.ended generation=1" in machine.log(), machine.tail)
            before = len(seen)
            wait_until(lambda: len(seen) > before + 20, machine.tail)
        finally:
            stop.set()
            for client in clients:
                client.join()
        self.assertNotIn("drain_timeout", machine.log())
        self.assertLessEqual(len(crossed), 10)  # each was closed once, in an idle moment
        self.assertIn(b'"new"', seen[-1])

    def test_a_stream_is_held_until_the_drain_time_is_over(self):
        machine = self.started(options={"--drain-timeout": "4s", "--close-idle": "200ms"})
        connection = http.client.HTTPConnection("127.0.0.1", machine.port, timeout=10)
        connection.request("GET", "/events")
        stream = connection.getresponse()
        self.assertIn(b"base", stream.readline())
        self.publish("new")
        draining = time.monotonic()
        while stream.readline():
            pass
        self.assertGreater(time.monotonic() - draining, 2, machine.tail(40))  # 3 s: the signal comes 1 s before the end
        wait_until(lambda: "app.ended generation=1" in machine.log(), machine.tail)
        self.assertEqual(machine.version(), "new")

    def test_never_means_never(self):
        machine = self.started(options={"--close-idle": "never"})
        connection = http.client.HTTPConnection("127.0.0.1", machine.port, timeout=10)
        connection.request("GET", "/")
        connection.getresponse().read()
        self.publish("new")
        wait_until(lambda: "app.ended generation=1" in machine.log(), machine.tail)  # it was idle: the signal came


if __name__ == "__main__":
    unittest.main()
