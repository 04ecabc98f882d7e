"""Version 2: greets, and shows the latest messages that version 1 had already kept."""

VERSION = "v2"


def start_up(state):
    """Runs once, before the first connection is accepted."""


def report(state):
    """What GET / says."""
    return {"count": state.count, "greeting": "hello from v2", "recent": state.recent(3)}
