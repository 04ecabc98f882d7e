"""Clients of a machine that never ask twice: what fails for them is lost, and counted.

They ask on fresh connections (GET and POST in turns); on kept ones, with pauses in which the sidecar can see them idle
or, briskly, with shorter ones; and one is in a response of two seconds all the time. As every client with a pool does,
one on a kept connection looks whether it was closed before it asks: only a request that crosses the close is lost.
"""

import contextlib
import dataclasses
import http.client
import json
import select
import threading
import time

FRESH_PAUSE, KEPT_PAUSE, BRISK_PAUSE = 0.03, 0.2, 0.04  # seconds between two requests of one client
TIMEOUT = 20.0  # seconds; what takes longer has failed


@dataclasses.dataclass(frozen=True)
class Crowd:
    """How many clients of each kind. Without brisk ones an old process has ended sooner."""

    fresh: int = 3
    kept: int = 12
    brisk: int = 4
    slow: int = 1


class Counts:
    """What one kind of client saw. Its clients only append; read it once they have ended, or a length at any time."""

    def __init__(self):
        self.answered = []  # (seconds of time.time(), seconds that it took)
        self.failed = []  # (when it began, when it failed, text)
        self.closings = []  # a kept connection was closed, whoever noticed how
        self.versions = set()


class Clients:
    """All of them, from `with` until finish()."""

    def __init__(self, port, crowd):
        self._port = port
        self._stop = threading.Event()
        self.fresh, self.kept, self.brisk, self.slow = Counts(), Counts(), Counts(), Counts()
        calls = [*[(self._ask_fresh,)] * crowd.fresh, *[(self._ask_kept, self.kept, KEPT_PAUSE)] * crowd.kept,
                 *[(self._ask_kept, self.brisk, BRISK_PAUSE)] * crowd.brisk, *[(self._ask_slow,)] * crowd.slow]
        self._threads = [threading.Thread(target=call[0], args=call[1:], daemon=True) for call in calls]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.finish()

    def finish(self):
        """What was begun is waited for; idempotent."""
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _connect(self):
        return http.client.HTTPConnection("127.0.0.1", self._port, timeout=TIMEOUT)

    def _ask_fresh(self):
        methods = [("GET", None), ("POST", b"x" * 100)]
        while not self._stop.wait(FRESH_PAUSE):
            methods.reverse()
            with contextlib.closing(self._connect()) as connection:
                ask(connection, self.fresh, *methods[0], headers={"Connection": "close"})

    def _ask_slow(self):
        while not self._stop.wait(0.01):
            with contextlib.closing(self._connect()) as connection:
                ask(connection, self.slow, "GET", None, path="/slow", headers={"Connection": "close"})

    def _ask_kept(self, counts, pause):
        connection = self._connect()
        while not self._stop.wait(pause):
            if connection.sock and select.select([connection.sock], [], [], 0)[0]:
                counts.closings.append(time.time())
                connection.close()
            was_open = connection.sock is not None
            answered = ask(connection, counts, "GET", None)
            # A server that keeps no connections closes with each answer.
            if was_open and (not answered or connection.sock is None):
                counts.closings.append(time.time())
            if not answered:
                connection.close()
        connection.close()


def ask(connection, counts, method, body, path="/", headers=None):
    """One request; True if it was answered whole, with 200."""
    began = time.time()
    try:
        connection.request(method, path, body=body, headers=headers or {})
        response = connection.getresponse()
        text = response.read()
        if response.status != 200:
            raise http.client.HTTPException(f"status {response.status}")
    except (OSError, http.client.HTTPException) as error:
        counts.failed.append((began, time.time(), f"{method} {path}: {error!r}"))
        return False
    counts.answered.append((began, time.time() - began))
    if path == "/":
        counts.versions.add(json.loads(text)["version"])
    return True
