#!/usr/bin/python3
"""Runs a command on a terminal of its own and writes down what it says: text with its escapes, without the waiting.

    record.py FILE [--columns N] -- COMMAND [ARGUMENT...]

Exits with the command's status. The command's output is shown as it comes.
"""

import argparse
import fcntl
import os
import pathlib
import pty
import struct
import sys
import termios


def record(command, columns):
    """Returns the exit status, and all bytes that were written to the terminal."""
    process, terminal = pty.fork()
    if process == 0:
        os.execvp(command[0], command)
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    seen = bytearray()
    while True:
        try:
            chunk = os.read(terminal, 65536)
        except OSError:  # what Linux says when the other end is closed
            chunk = b""
        if not chunk:
            return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]), bytes(seen)
        seen += chunk
        sys.stdout.buffer.write(chunk)
        sys.stdout.flush()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("file", type=pathlib.Path)
    parser.add_argument("--columns", type=int, default=100)
    parser.add_argument("command", nargs="+")
    options = parser.parse_args()
    status, seen = record(options.command, options.columns)
    options.file.write_bytes(seen)
    return status


if __name__ == "__main__":
    sys.exit(main())
