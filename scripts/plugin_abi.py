#!/usr/bin/env python3
"""Holds kPluginAbi against the headers that plugins are built with. Usage: scripts/plugin_abi.py check|record

The ABI number must be raised with each change that a built plugin would not survive. agent/host/plugin_abi keeps the number
and a checksum over the public headers of agent/host and agent/core, comments and blanks left out: `check` ends with 1 if
they don't fit together, `record` writes them down once the number was raised."""
import hashlib
import pathlib
import re
import sys

TOP = pathlib.Path(__file__).resolve().parent.parent
RECORD = TOP / "agent/host/plugin_abi"
PLUGIN_HEADER = TOP / "agent/host/include/midair/host/plugin.h"


def code_of(header):
    """Its text without comments, white space folded."""
    text = re.sub(r"//[^\n]*|/\*.*?\*/", "", header.read_text(), flags=re.S)
    return " ".join(text.split())


def checksum():
    digest = hashlib.sha256()
    for folder in ("agent/core/include", "agent/host/include"):
        for header in sorted((TOP / folder).rglob("*.h")):
            code = re.sub(r"kPluginAbi = \d+", "", code_of(header))
            digest.update(f"{header.relative_to(TOP)}\n{code}\n".encode())
    return digest.hexdigest()


def main(verb):
    number = int(re.search(r"kPluginAbi = (\d+)", PLUGIN_HEADER.read_text())[1])
    recorded = RECORD.read_text().split() if RECORD.exists() else ["0", ""]
    if verb == "record" and number > int(recorded[0]):
        RECORD.write_text(f"{number} {checksum()}\n")
        return
    if [str(number), checksum()] != recorded:
        sys.exit(f"public headers have changed since plugin ABI {recorded[0]}: raise kPluginAbi in {PLUGIN_HEADER.name}, "
                 "then run scripts/plugin_abi.py record")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "check")
