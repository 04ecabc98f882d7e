"""The app's state: a counter and the latest messages, in memory that outlives the process.

It lies in a memfd. The first generation creates it and leaves a copy of the descriptor with the supervisor; each
later one receives it. Nothing is written to disk and nothing is copied: both generations see the same pages.

Two record locks on it order the generations. A crash releases them, so neither can be left locked.
- the *turn*: only who holds it accepts connections;
- the *write* lock: an old generation that is finishing its last requests may still count.
"""

import contextlib
import fcntl
import mmap
import os
import struct
import threading

COUNT = struct.Struct("<Q")
SLOTS, SLOT_BYTES = 16, 64
SIZE = COUNT.size + SLOTS * SLOT_BYTES
TURN, WRITE = 0, 1  # the byte that stands for each lock


class State:
    def __init__(self, fd=None):
        if fd is None:
            fd = os.memfd_create("state")
            os.ftruncate(fd, SIZE)
        self.fd = fd
        self._memory = mmap.mmap(fd, SIZE)
        self._threads = threading.Lock()  # record locks belong to the process: threads need their own

    def take_turn(self):
        """Waits until no other generation accepts connections."""
        fcntl.lockf(self.fd, fcntl.LOCK_EX, 1, TURN)

    def give_turn(self):
        fcntl.lockf(self.fd, fcntl.LOCK_UN, 1, TURN)

    @property
    def count(self):
        return COUNT.unpack_from(self._memory)[0]

    def add(self, message):
        """Counts one message and keeps it; returns the new count."""
        with self._writing():
            count = self.count
            text = message.encode()[: SLOT_BYTES - 1].ljust(SLOT_BYTES, b"\0")
            self._slot(count)[:] = text
            COUNT.pack_into(self._memory, 0, count + 1)  # last: a crash before it leaves the old state whole
            return count + 1

    def recent(self, limit):
        """The latest messages, newest first."""
        count = self.count
        newest_first = range(count - 1, max(-1, count - 1 - min(limit, SLOTS)), -1)
        return [bytes(self._slot(n)).rstrip(b"\0").decode(errors="replace") for n in newest_first]

    def _slot(self, number):
        start = COUNT.size + (number % SLOTS) * SLOT_BYTES
        return memoryview(self._memory)[start : start + SLOT_BYTES]

    @contextlib.contextmanager
    def _writing(self):
        with self._threads:
            fcntl.lockf(self.fd, fcntl.LOCK_EX, 1, WRITE)
            try:
                yield
            finally:
                fcntl.lockf(self.fd, fcntl.LOCK_UN, 1, WRITE)
