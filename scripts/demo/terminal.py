"""Output for people: coloured on a terminal, plain elsewhere (and where NO_COLOR is set)."""

import os
import sys

_COLOURS = {"bold": "1", "dim": "2", "red": "31", "green": "32"}
_ON_TERMINAL = sys.stdout.isatty() and not os.environ.get("NO_COLOR")


def colour(name, text):
    return f"\033[{_COLOURS[name]}m{text}\033[0m" if _ON_TERMINAL else text


def step(text):
    print("\n" + colour("bold", text), flush=True)


def note(text):
    print(colour("dim", "  " + text), flush=True)


def table(rows):
    """Rows of (label, value, held): held is True, False or None where nothing was promised."""
    marks = {True: colour("green", "ok"), False: colour("red", "NOT AS IT SHOULD BE"), None: ""}
    labels = max(len(label) for label, _, _ in rows)
    values = max(len(value) for _, value, _ in rows)
    for label, value, held in rows:
        print(f"  {label:<{labels}}  {value:>{values}}  {marks[held]}".rstrip(), flush=True)
