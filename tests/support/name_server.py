"""A name server for tests, on 127.0.0.1:53: where /etc/resolv.conf names none, that is whom C libraries ask."""

import contextlib
import socket
import threading

ADDRESS, INTERNET = b"\0\1", b"\0\1"  # a question for an IPv4 address
FOUND, NO_SUCH_NAME = b"\x81\x80", b"\x81\x83"


@contextlib.contextmanager
def name_server(addresses):
    """Answers for `addresses`, such as {"localhost": "127.0.0.1"}; gives the set of the names that were asked for."""
    asked = set()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 53))
        thread = threading.Thread(target=_serve, args=(server, addresses, asked))
        thread.start()
        try:
            yield asked
        finally:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
                last.sendto(b"", ("127.0.0.1", 53))
            thread.join()


def _serve(server, addresses, asked):
    while True:
        query, client = server.recvfrom(512)
        if not query:
            return
        name, end = _name_at(query, 12)
        asked.add(name)
        address = addresses.get(name)
        wanted = address and query[end:end + 4] == ADDRESS + INTERNET
        answer = b"\xc0\x0c" + ADDRESS + INTERNET + b"\0\0\0\x3c\0\4" + socket.inet_aton(address) if wanted else b""
        head = query[:2] + (FOUND if address else NO_SUCH_NAME) + b"\0\1" + (b"\0\1" if wanted else b"\0\0") + b"\0\0\0\0"
        server.sendto(head + query[12:end + 4] + answer, client)


def _name_at(query, place):
    labels = []
    while query[place]:
        labels.append(query[place + 1:place + 1 + query[place]].decode())
        place += 1 + query[place]
    return ".".join(labels).lower(), place + 1
