"""HTTP around the world: tokens, rate limits, faults on demand."""

import http.server
import json
import re
import socketserver
import urllib.parse

import routes
from machine import ulid
from refusal import Refusal


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address, world, tokens):
        self.world = world
        self.tokens = tokens
        super().__init__(address, Handler)

    def server_bind(self):
        socketserver.TCPServer.server_bind(self)  # HTTPServer's asks the name server who we are
        self.server_name, self.server_port = self.server_address[:2]


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def handle_any(self):
        url = urllib.parse.urlsplit(self.path)
        length = int(self.headers.get("Content-Length") or 0)
        text = self.rfile.read(length).decode()
        headers = {}
        try:
            status, document = self.answer(url.path, urllib.parse.parse_qs(url.query), text)
        except Refusal as refusal:
            status, document, headers = refusal.status, refusal.body, refusal.headers
        if status is None:
            self.close_connection = True
            return
        self.reply(status, document, headers)

    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = handle_any

    def answer(self, path, query, text):
        if path.startswith("/_fake/"):
            return self.control(path, text)
        world = self.server.world
        self.authenticate()
        try:
            body = json.loads(text) if text else {}
        except ValueError:
            raise Refusal(400, "invalid JSON") from None
        handler, groups = routes.find(self.command, path)
        match = [path, *map(urllib.parse.unquote, groups)]
        nonce = self.headers.get("fly-machine-lease-nonce")
        with world.lock:
            world.requests.append({"method": self.command, "path": self.path, "body": body})
            get_machine = handler is routes.get_machine
            world.limit(f"{self.command} {path}", *((5, 10) if get_machine else (1, 3)))
            fault = self.take_fault(path)
            if fault and not fault.get("after"):
                return self.fail(fault)
            if not path.endswith("/wait"):
                status, document = handler(world, match, query, body, nonce)
                document = json.loads(json.dumps(document))  # as it is now: the world goes on
                world.lock.notify_all()
                return self.fail(fault) if fault else (status, document)
        return 200, world.wait(match[1], match[2], query)

    def authenticate(self):
        words = self.headers.get("Authorization", "").split()
        if not words or words[-1] not in self.server.tokens:
            raise Refusal(401, "Authenticate: token validation error")

    def take_fault(self, path):
        for fault in self.server.world.faults:
            if fault["times"] > 0 and fault["method"] == self.command and re.search(fault["path"], path):
                fault["times"] -= 1
                return fault
        return None

    @staticmethod
    def fail(fault):
        """Status 0 breaks the connection off."""
        if not fault["status"]:
            return None, None
        raise Refusal(fault["status"], fault.get("error", "injected"), fault.get("kind", "unknown"),
                      fault.get("headers"))

    def control(self, path, text):
        """What tests ask of the fake itself; the README lists it."""
        world = self.server.world
        with world.lock:
            if path == "/_fake/faults":
                world.faults.append({"times": 1, **json.loads(text)})
                return 200, {}
            if path == "/_fake/requests":
                return 200, world.requests
            if path == "/_fake/tokens":
                self.server.tokens = set(json.loads(text))
                return 200, {}
        raise Refusal(404, "no such path")

    def reply(self, status, document, headers):
        body = b"" if document is None else json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json; charset=utf-8")
        self.send_header("fly-request-id", ulid() + "-fra")
        for name, value in headers.items():
            self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass
