#!/usr/bin/python3
"""Draws demo-light.svg and demo-dark.svg of the recording demo.ansi beside this file; renew.sh makes all three anew.

    picture.py [--output DIRECTORY]
"""

import argparse
import pathlib
import re

from screen import Screen
from svg import THEMES, picture

HERE = pathlib.Path(__file__).resolve().parent
TITLE = "make demo: three machines are upgraded under load, a broken release is rolled back, a module is replaced"


def without_this_machine(text):
    """The temporary directory has a name of its own each time."""
    return re.sub(r"(?<=file://)/\S*/midair-demo-\w+", "/tmp/demo", text)


def is_passing(line):
    """Whether a line tells a state that a machine was in for a moment: a report of many machines is long enough."""
    return len(line) == 2 and line[0][0].startswith("  m-") and line[1][1].dim


def trimmed(lines):
    """Without empty lines at both ends."""
    filled = [number for number, line in enumerate(lines) if any(text.strip() for text, _ in line)]
    return lines[filled[0]:filled[-1] + 1]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--output", type=pathlib.Path, default=HERE)
    options = parser.parse_args()
    text = without_this_machine((HERE / "demo.ansi").read_bytes().decode())
    lines = trimmed([line for line in Screen().feed(text).runs() if not is_passing(line)])
    for theme in THEMES:
        (options.output / f"demo-{theme}.svg").write_text(picture(lines, theme, TITLE))


if __name__ == "__main__":
    main()
