"""The upgrade protocol, version 1, for an app that keeps state: Python 3.9, standard library only.

    app = App("cart/2", state={}, dump=dump, load=load, imports=["cart/1", "cart/2"])
    app.connect()                      # does nothing where no sidecar is
    app.wait_until_serving()           # before the first accept
    with app.call() as state: ...      # around whatever reads or changes the state
    app.end()                          # on SIGTERM, before the last callers are awaited

`dump(state, file)` writes the state, `load(file, schema)` reads one and returns it; files are binary. Callers wait in
call() while the app is suspended. They get Succeeded if another process took over: they are to be handed on to it.
"""
import contextlib
import json
import os
import socket
import threading
import time

MAX_LINE = 65536


class Refused(Exception):
    """An answer without `ok`: a code of the protocol, and why."""


class Succeeded(Exception):
    """Another process has the state now; what this caller wants is to be asked there."""


class App:
    def __init__(self, schema, state, dump, load, imports=()):
        self.schema, self.dump, self.load = schema, dump, load
        self.imports = list(imports) or [schema]
        self.state = self.first_state = state
        self.mode = "serving"  # or waiting (a successor before `resume`), suspended, expired, succeeded
        self.hold, self.hold_until = 0.0, None  # how long a suspension lasts; when it ends, by time.monotonic()
        self.calls = 0  # that are inside call()
        self.suspending = None  # id of the request that waits for them
        self.changed = threading.Condition()  # guards all of this

    def connect(self):
        if not os.environ.get("MIDAIR_SOCKET"):
            return
        self.link = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        self.link.connect(os.environ["MIDAIR_SOCKET"])
        self.lines = self.link.makefile("rb")
        self.send(op="hello", protocol=1, sdk="midair-python/1", capabilities=["state"], schema=self.schema,
                  imports=self.imports)
        welcome = read_message(self.lines)
        if not welcome or welcome["op"] != "welcome":
            raise ConnectionError(f"the sidecar does not welcome this app: {welcome}")
        self.mode = "waiting" if welcome.get("wait") else "serving"
        threading.Thread(target=self.serve_sidecar, daemon=True).start()

    def wait_until_serving(self):
        """True once it may serve; False if another process does."""
        with self.changed:
            while self.now() in ("waiting", "suspended"):
                self.changed.wait(self.hold_until and max(0.0, self.hold_until - time.monotonic()))
            return self.mode != "succeeded"

    @contextlib.contextmanager
    def call(self):
        with self.changed:
            if not self.wait_until_serving():
                raise Succeeded
            self.calls += 1
        try:
            yield self.state
        finally:
            with self.changed:
                self.calls -= 1
                self.answer_suspend()

    def end(self):
        with self.changed:
            if self.now() in ("waiting", "suspended"):
                self.enter("succeeded")

    # What the sidecar asks, in one thread.
    def serve_sidecar(self):
        with self.link, self.lines, contextlib.suppress(OSError):
            while request := read_message(self.lines):
                with self.changed:
                    answer = self.answer(request)
                    if answer is not None:
                        self.send(id=request.get("id"), **answer)
        with self.changed:
            self.op_abort({})

    def answer(self, request):
        try:
            operation = getattr(self, "op_" + request["op"], None)
            return operation(request) if operation else refusal("unsupported", "unknown operation")
        except Refused as refused:
            return refusal(*refused.args)
        except Exception as error:  # whatever dump and load raise
            return refusal("failed", f"{type(error).__name__}: {error}"[:1000])

    def op_prepare(self, _):
        return self.require("waiting")

    def op_suspend(self, request):
        self.hold = field(request, "hold_ms", int) / 1000
        self.suspending = self.require("serving") and request["id"]
        self.enter("suspended")
        self.answer_suspend()

    def answer_suspend(self):
        if self.suspending is not None and not self.calls:
            self.send(id=self.suspending, ok=True)
            self.suspending, self.hold_until = None, time.monotonic() + self.hold
            self.changed.notify_all()

    def op_export(self, request):
        self.require("suspended")
        with open(field(request, "state_path", str), "r+b") as file:
            self.dump(self.state, file)
            return {"ok": True, "schema": self.schema, "bytes": file.seek(0, os.SEEK_END)}

    def op_import(self, request):
        path, schema = field(request, "state_path", str), field(request, "schema", str)
        self.require("waiting")
        if schema not in self.imports:
            raise Refused("bad_request", f"this code does not import {schema}")
        with open(path, "rb") as file:
            self.state = self.load(file, schema)
        return {"ok": True}

    def op_resume(self, _):
        self.require("waiting", "suspended")
        return self.enter("serving")

    def op_health(self, _):
        return {"ok": True}

    op_commit = op_health  # nothing is kept here for the way back

    def op_abort(self, _):
        if self.suspending is not None:
            self.send(id=self.suspending, **refusal("failed", "aborted"))
            self.suspending = None
        if self.mode == "waiting":
            self.state = self.first_state
        return self.enter("serving") if self.mode in ("suspended", "expired") else {"ok": True}

    def now(self):
        if self.mode == "suspended" and self.hold_until and time.monotonic() >= self.hold_until:
            self.enter("expired")
        return self.mode

    def require(self, *modes):
        if self.now() not in modes or self.suspending is not None:
            raise Refused("expired" if self.mode == "expired" else "out_of_order", f"this app is {self.mode}")
        return {"ok": True}

    def enter(self, mode):
        self.mode, self.hold_until = mode, None
        self.changed.notify_all()
        return {"ok": True}

    def send(self, **message):
        with contextlib.suppress(OSError):
            self.link.sendall(json.dumps(message).encode() + b"\n")


def refusal(code, error):
    return {"ok": False, "code": code, "error": error}


def read_message(lines):
    """The next message; None at the end of the connection, and for what is none."""
    line = lines.readline(MAX_LINE + 1)
    try:
        message = json.loads(line) if len(line) <= MAX_LINE else None
    except ValueError:
        return None
    return message if isinstance(message, dict) and isinstance(message.get("op"), str) else None


def field(request, name, kind):
    if not isinstance(request.get(name), kind):
        raise Refused("bad_request", f"'{name}' is missing or not of its type")
    return request[name]
