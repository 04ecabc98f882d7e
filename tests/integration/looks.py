"""Waits for others to look into a directory, by inotify(7): a program that polls is awaited instead of slept for."""

import ctypes
import errno
import os
import select
import struct
import time

IN_OPEN = 0x20
EVENT = struct.Struct("iIII")
libc = ctypes.CDLL(None, use_errno=True)


class Looks:
    """What is opened in `directory`, and the directory itself, from now on."""

    def __init__(self, directory):
        self.fd = libc.inotify_init1(os.O_CLOEXEC)
        if self.fd < 0 or libc.inotify_add_watch(self.fd, os.fsencode(directory), IN_OPEN) < 0:
            code = ctypes.get_errno()
            raise OSError(code, os.strerror(code), str(directory))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.close(self.fd)

    def wait(self, name="", times=1, timeout=20):
        """Until the file `name` (by default the directory itself) was opened so many times more."""
        deadline = time.monotonic() + timeout
        while times > 0:
            if not select.select([self.fd], [], [], max(0, deadline - time.monotonic()))[0]:
                raise TimeoutError(errno.ETIMEDOUT, f"nobody looked at '{name or 'the directory'}'")
            times -= self._opened().count(name)

    def _opened(self):
        names, events = [], os.read(self.fd, 65536)
        while events:
            length = EVENT.unpack_from(events)[3]
            names.append(events[EVENT.size:EVENT.size + length].rstrip(b"\0").decode())
            events = events[EVENT.size + length:]
        return names
