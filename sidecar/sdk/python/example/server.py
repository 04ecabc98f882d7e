#!/usr/bin/python3
"""A counter over HTTP whose count lives in this process only, and goes over to the next release by the upgrade protocol.

GET / shows the count, POST / adds one. What differs between releases is in release.py. A release is this file, release.py
and midair_app.py in one directory; it runs without a sidecar as well.
"""
import http.client
import http.server
import json
import os
import signal
import socket
import threading

import release
from midair_app import App, Succeeded

app = App(release.SCHEMA, release.new_state(), release.dump, release.load, release.IMPORTS)
one_at_a_time = threading.Lock()


class Handler(http.server.BaseHTTPRequestHandler):
    """HTTP/1.0: one request for each connection, so none is idle when a release ends."""

    def do_GET(self):
        self.count(0)

    def do_POST(self):
        self.count(1)

    def count(self, more):
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        try:
            with app.call() as state, one_at_a_time:
                release.add(state, more)
                count = release.total(state)
        except Succeeded:
            return self.hand_on(body)
        self.answer(200, json.dumps({"version": release.VERSION, "count": count}).encode())

    def hand_on(self, body):
        """The listening address is the successor's now."""
        connection = http.client.HTTPConnection(*self.server.server_address, timeout=20)
        connection.request(self.command, self.path, body)
        answer = connection.getresponse()
        self.answer(answer.status, answer.read())

    def answer(self, status, body):
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("App-Version", release.VERSION)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = False  # server_close() waits for them
    request_queue_size = 128

    def get_request(self):
        """While another process has the state its callers are left in the queue of the socket, which is shared."""
        if not app.wait_until_serving():
            raise BlockingIOError
        return super().get_request()


def listener():
    if os.environ.get("LISTEN_PID") == str(os.getpid()):
        return socket.socket(fileno=3)
    return socket.create_server(("127.0.0.1", int(os.environ.get("PORT", "8080"))))


def say_ready():
    if "NOTIFY_SOCKET" in os.environ:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
            notify.sendto(b"READY=1", os.environ["NOTIFY_SOCKET"])


def main():
    signals = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    with Server(("", 0), Handler, bind_and_activate=False) as server:
        server.socket = listener()
        server.socket.setblocking(False)  # several processes may see the same caller; one gets it
        server.server_address = server.socket.getsockname()
        app.connect()
        threading.Thread(target=server.serve_forever, args=(0.05,)).start()
        if app.mode == "serving":
            say_ready()
        signal.sigwait(signals)
        app.end()
        server.shutdown()


if __name__ == "__main__":
    main()
