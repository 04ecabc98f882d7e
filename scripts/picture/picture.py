#!/usr/bin/python3
"""Makes scripts/picture/demo-light.svg and demo-dark.svg of what `record.py` recorded.

    picture.py RECORDING [--output DIRECTORY]
"""

import argparse
import pathlib
import re

from screen import Screen
from svg import THEMES, picture

HERE = pathlib.Path(__file__).resolve().parent
TITLE = "make demo: three machines are upgraded under load, a broken release is rolled back, a module is replaced"


def without_this_machine(text):
    """Temporary paths say nothing to a reader."""
    return re.sub(r"/\S*/midair-demo-[^/\s]+/", "", text)


def trimmed(lines):
    """Without empty lines at both ends, and without what stands before the demo begins."""
    filled = [number for number, line in enumerate(lines) if any(text.strip() for text, _ in line)]
    return lines[filled[0]:filled[-1] + 1]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("recording", type=pathlib.Path)
    parser.add_argument("--output", type=pathlib.Path, default=HERE)
    options = parser.parse_args()
    text = without_this_machine(options.recording.read_text(errors="replace"))
    lines = trimmed(Screen().feed(text).runs())
    for theme in THEMES:
        (options.output / f"demo-{theme}.svg").write_text(picture(lines, theme, TITLE))


if __name__ == "__main__":
    main()
