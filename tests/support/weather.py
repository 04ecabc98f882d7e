"""Bad weather before a real S3 server: a Sky passes requests on, unless told to misbehave.

    with Sky(endpoint) as sky:                    # sky.url is the endpoint to use instead
        sky.bad(answers(503), who="machine", key="-current.json", times=3)
        ...
        sky.clear()

Who asks is told by the region that the request is signed for (AWS_REGION), which radosgw accepts whatever it is. A fault
is a function of the Exchange: it returns the Answer to send, or None if it has sent what it wants and the connection is
to be closed.
"""

import contextlib
import dataclasses
import fcntl
import http.client
import itertools
import re
import socket
import ssl
import struct
import termios
import threading
import time
import urllib.parse


@dataclasses.dataclass
class Answer:
    """What goes back to the client; header names in lower case."""

    status: int
    headers: dict = dataclasses.field(default_factory=dict)
    body: bytes = b""

    def head(self):
        reason = http.client.responses.get(self.status, "Unknown")
        lines = [f"HTTP/1.1 {self.status} {reason}", *(f"{name}: {value}" for name, value in self.headers.items())]
        return "\r\n".join([*lines, "", ""]).encode("latin-1")

    def without(self, *names):
        return dataclasses.replace(self, headers={n: v for n, v in self.headers.items() if n not in names})

    def having(self, **headers):
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return dataclasses.replace(self, headers={**self.headers, **named})


@dataclasses.dataclass
class Record:
    """One request that came through."""

    who: str
    method: str
    target: str  # path and query
    taken: int  # bytes of the request's body
    status: int = 0  # of the server's own answer; 0 where it was not asked
    passed: int = 0  # bytes of the answer's body that went to the client


class Exchange:
    """One request and the way back to its client."""

    def __init__(self, sky, client, method, target, headers, body):
        self.sky, self.client = sky, client
        self.method, self.target, self.headers, self.body = method, target, headers, body
        scope = re.search(r"Credential=[^/]*/\d*/([^/]*)/", headers.get("authorization", ""))
        self.record = Record(scope.group(1) if scope else "", method, target, len(body))

    def forward(self, without=()):
        """The server's answer, to the request less the headers named."""
        server = http.client.HTTPConnection(*self.sky.upstream, timeout=30)
        try:
            server.putrequest(self.method, self.target, skip_host=True, skip_accept_encoding=True)
            for name, value in self.headers.items():
                if name not in without:
                    server.putheader(name, value)
            server.endheaders(self.body or None)
            answer = server.getresponse()
            body = answer.read()
            headers = {name.lower(): value for name, value in answer.getheaders()}
            if headers.pop("transfer-encoding", None):
                headers["content-length"] = str(len(body))
            self.record.status = answer.status
            return Answer(answer.status, headers, body)
        finally:
            server.close()

    def send(self, answer, length=None):
        """Sends the head, and the whole body or its first `length` bytes."""
        self.client.sendall(answer.head())
        self.send_body(answer.body[:length])

    def send_body(self, body):
        if self.method != "HEAD":
            self.client.sendall(body)
            self.record.passed += len(body)

    def reset(self):
        """Ends the connection like a server that crashes, once the client's kernel has what was sent."""
        while struct.unpack("i", fcntl.ioctl(self.client, termios.TIOCOUTQ, b"\0" * 4))[0] > 0:
            time.sleep(0.001)
        self.client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


@dataclasses.dataclass
class Rule:
    fault: object
    who: str
    method: str
    key: str
    times: int

    def fits(self, record):
        return (self.times != 0 and self.who in ("", record.who) and self.method in ("", record.method)
                and self.key in record.target)


class Sky:
    """Listens on a free port of loopback; one thread for each connection. With a `certificate` (PEM, which may be
    replaced at any time) it speaks TLS."""

    def __init__(self, upstream, certificate=None, elsewhere=""):
        address = urllib.parse.urlsplit(upstream)
        self.upstream = (address.hostname, address.port)
        self.certificate = certificate
        self.elsewhere = elsewhere  # where redirects point to
        self.records = []
        self._rules, self._lock = [], threading.Lock()
        self._connections = set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.url = f"https://localhost:{self.port}" if certificate else f"http://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with self._lock:
            self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
        self.drop_connections()
        self._thread.join()

    def drop_connections(self):
        with self._lock:
            for client in self._connections:
                with contextlib.suppress(OSError):
                    client.shutdown(socket.SHUT_RDWR)

    # -- the weather

    def bad(self, fault, *, who="", method="", key="", times=-1):
        """From now on `fault` takes the next `times` requests that fit (-1: all); earlier rules come first."""
        with self._lock:
            self._rules.append(Rule(fault, who, method, key, times))

    def clear(self):
        with self._lock:
            self._rules.clear()

    def seen(self, *, who="", method="", key=""):
        """The records of requests that fit, oldest first."""
        rule = Rule(None, who, method, key, -1)
        with self._lock:
            return [record for record in self.records if rule.fits(record)]

    def _fault_for(self, record):
        with self._lock:
            self.records.append(record)
            for rule in self._rules:
                if rule.fits(record):
                    rule.times -= 1 if rule.times > 0 else 0
                    return rule.fault
        return pass_on

    # -- connections

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                with self._lock:
                    self._connections.add(client)
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, accepted):
        client = accepted
        with contextlib.suppress(OSError, ValueError, http.client.HTTPException):
            if self.certificate:
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                context.load_cert_chain(self.certificate)
                client = context.wrap_socket(accepted, server_side=True)  # which takes the descriptor
                with self._lock:
                    self._connections.add(client)
            with client.makefile("rb") as incoming:
                while self._exchange(client, incoming):
                    pass
        with self._lock:
            self._connections -= {accepted, client}
        client.close()

    def _exchange(self, client, incoming):
        """Serves one request; false if the connection is over."""
        line = incoming.readline().decode("latin-1")
        if not line:
            return False
        method, target, _ = line.split(" ", 2)
        headers = {}
        while (line := incoming.readline().decode("latin-1").strip()):
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        body = incoming.read(int(headers.get("content-length", 0)))
        exchange = Exchange(self, client, method, target, headers, body)
        answer = self._fault_for(exchange.record)(exchange)
        if answer is None:
            return False
        exchange.send(answer)
        return True


# -- faults


def pass_on(exchange):
    return exchange.forward()


def answers(status, code="Weather", **headers):
    """The server is not asked; the client gets an S3 error."""
    body = f'<?xml version="1.0"?><Error><Code>{code}</Code><Message>injected</Message></Error>'.encode()
    answer = Answer(status, {"content-type": "application/xml", "content-length": str(len(body))}, body)
    return lambda exchange: dataclasses.replace(answer, body=b"" if exchange.method == "HEAD" else body).having(**headers)


def redirects(status):
    return lambda exchange: answers(status, location=exchange.sky.elsewhere + exchange.target)(exchange)


def page(status=200):
    """A captive portal."""
    body = b"<html><body>Sign in to the network</body></html>"
    return lambda exchange: Answer(status, {"content-type": "text/html", "content-length": str(len(body))}, body)


def changed(change):
    """The server's answer, changed by `change(answer)`."""
    return lambda exchange: change(exchange.forward())


def loses_answer(exchange):
    """The server does what was asked, and nobody hears of it."""
    exchange.forward()
    exchange.reset()


def cut(at, reset=False):
    """The answer ends after `at` bytes of its body."""
    def fault(exchange):
        exchange.send(exchange.forward(), at)
        if reset:
            exchange.reset()
    return fault


def resets(exchange):
    """The server never hears of it; neither does the client hear anything."""
    exchange.reset()


def late(seconds):
    def fault(exchange):
        time.sleep(seconds)
        return exchange.forward()
    return fault


def without_length(exchange):
    exchange.send(exchange.forward().without("content-length"))


def wrong_length(difference):
    """Content-Length says that much more than there is."""
    def fault(exchange):
        answer = exchange.forward()
        exchange.send(answer.having(content_length=len(answer.body) + difference))
    return fault


def ignores_range(exchange):
    return exchange.forward(without=("range", "if-match"))


def drips_head(exchange):
    """A head that never ends, byte by byte."""
    exchange.client.sendall(b"HTTP/1.1 200 OK\r\nX-Drip: ")
    while True:
        exchange.client.sendall(b"x")
        time.sleep(0.05)


def drips_body(exchange):
    """A body that would take hours."""
    answer = exchange.forward()
    exchange.send(answer, 0)
    for byte in answer.body:
        exchange.send_body(bytes([byte]))
        time.sleep(0.05)


def says_nothing(exchange):
    exchange.client.recv(1)  # until the client gives up


def ever_new_etags():
    """The same object, each time under another ETag."""
    numbers = itertools.count()
    def fault(exchange):
        answer = exchange.forward(without=("if-none-match",))
        return answer.having(etag=f'"{next(numbers)}"') if "etag" in answer.headers else answer
    return fault


def never_changes(exchange):
    """304 to all who know a version."""
    return Answer(304) if "if-none-match" in exchange.headers else exchange.forward()


def unasked_304(exchange):
    """304 to all, also to those who know no version."""
    del exchange
    return Answer(304)
