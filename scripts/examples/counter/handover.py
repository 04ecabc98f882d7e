"""What an app needs to know to be upgraded in flight: systemd's conventions, in forty lines.

Sockets and saved descriptors come as LISTEN_FDS (sd_listen_fds(3)); what the app has to say goes to
NOTIFY_SOCKET (sd_notify(3)). Without a supervisor both are absent, and the app runs all the same.
"""

import os
import socket

FIRST_FD = 3


def inherited():
    """The descriptors passed to this process, as {name: [fd, ...]}. Their names come from LISTEN_FDNAMES."""
    if os.environ.get("LISTEN_PID") != str(os.getpid()):
        return {}
    count = int(os.environ.get("LISTEN_FDS", "0"))
    names = os.environ.get("LISTEN_FDNAMES", "").split(":")
    found = {}
    for index in range(count):
        fd = FIRST_FD + index
        os.set_inheritable(fd, False)
        name = names[index] if index < len(names) else "unknown"
        found.setdefault(name, []).append(fd)
    return found


def notify(message, fds=()):
    """Tells the supervisor `message` ("READY=1", "STATUS=...", "FDSTORE=1\\nFDNAME=...")."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    if address.startswith("@"):  # an abstract socket
        address = "\0" + address[1:]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as channel:
        channel.connect(address)
        socket.send_fds(channel, [message.encode()], list(fds))
