#!/usr/bin/python3
"""A counter over HTTP that is upgraded in flight: no request is dropped, no count is lost.

    GET /         what runs and what it counted, as JSON
    POST /        counts the body as a message (GET /hit counts without one)
    GET /stream   ticks for two seconds
    GET /healthz  200 as soon as it serves

What differs between releases is in release.py. Alone it runs as well: `cd v1 && PYTHONPATH=.. ../server.py`
"""

import contextlib
import http.server
import json
import os
import select
import signal
import socket
import threading
import time

import release
from handover import inherited, notify
from state import State

DIGEST = os.environ.get("MIDAIR_DIGEST", "")
GRACE = 5.0  # seconds that an idle connection may keep an old generation waiting; shorter than --drain-timeout
STREAM_SECONDS, TICK_SECONDS = 2.0, 0.1


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 8192

    def do_GET(self):
        if self.path == "/":
            self.answer({"version": release.VERSION, "digest": DIGEST, **release.report(self.server.state)})
        elif self.path == "/hit":
            self.answer({"version": release.VERSION, "count": self.server.state.add("hit")})
        elif self.path == "/stream":
            self.stream()
        elif self.path == "/healthz":
            self.answer({"ok": True})
        else:
            self.send_error(404)

    def do_POST(self):
        message = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        count = self.server.state.add(message.decode(errors="replace"))
        self.answer({"version": release.VERSION, "count": count})

    def answer(self, content):
        body = json.dumps(content).encode() + b"\n"
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def stream(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        end = time.monotonic() + STREAM_SECONDS
        while time.monotonic() < end:
            tick = f"{release.VERSION} {self.server.state.count}\n".encode()
            self.wfile.write(b"%x\r\n%s\r\n" % (len(tick), tick))
            self.wfile.flush()
            time.sleep(TICK_SECONDS)
        self.wfile.write(b"0\r\n\r\n")

    def end_headers(self):
        self.send_header("App-Version", release.VERSION)
        if DIGEST:
            self.send_header("Midair-Release", DIGEST)  # so a probe knows who answered
        if self.server.stopping.is_set():
            self.send_header("Connection", "close")  # the client's next request goes to the next generation
        super().end_headers()

    def log_message(self, *_):
        pass


class Server:
    def __init__(self, listener, state):
        self.listener = listener
        self.state = state
        self.stopping = threading.Event()
        self.connections = set()
        self.changed = threading.Condition()

    def accept_until(self, stop_fd):
        """Serves each connection in a thread of its own until `stop_fd` becomes readable."""
        while True:
            readable, _, _ = select.select([stop_fd, self.listener], [], [])
            if stop_fd in readable:
                self.stopping.set()
                return
            connection, address = self.listener.accept()
            with self.changed:
                self.connections.add(connection)
            threading.Thread(target=self.serve, args=(connection, address), daemon=True).start()

    def serve(self, connection, address):
        try:
            with connection, contextlib.suppress(OSError):  # the client may leave at any time
                Handler(connection, address, self)
        finally:
            with self.changed:
                self.connections.discard(connection)
                self.changed.notify_all()

    def finish(self):
        """Answers what was asked on open connections; hangs up those that ask nothing for GRACE seconds."""
        with self.changed:
            if not self.changed.wait_for(lambda: not self.connections, timeout=GRACE):
                for connection in self.connections:
                    with contextlib.suppress(OSError):  # it may just have gone
                        connection.shutdown(socket.SHUT_RD)
            self.changed.wait_for(lambda: not self.connections)


def main():
    passed = inherited()
    state_fds = passed.pop("state", [])
    state = State(state_fds[0] if state_fds else None)
    if not state_fds:
        notify("FDSTORE=1\nFDNAME=state", [state.fd])
    sockets = [fd for fds in passed.values() for fd in fds]
    if sockets:
        listener = socket.socket(fileno=sockets[0])
    else:
        listener = socket.create_server(("127.0.0.1", int(os.environ.get("PORT", "8080"))))

    notify("READY=1\nSTATUS=waiting for the turn to accept")
    state.take_turn()  # the old generation still serves; new clients wait in the kernel's queue for a moment
    release.start_up(state)

    stop_fd, wake_fd = socket.socketpair()
    wake_fd.setblocking(False)
    signal.set_wakeup_fd(wake_fd.fileno())
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)

    notify("STATUS=serving " + release.VERSION)
    server = Server(listener, state)
    server.accept_until(stop_fd)
    notify("STOPPING=1\nSTATUS=finishing what was begun")
    state.give_turn()
    server.finish()


if __name__ == "__main__":
    main()
