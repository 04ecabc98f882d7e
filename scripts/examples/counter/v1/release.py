"""Version 1: counts."""

VERSION = "v1"


def start_up(state):
    """Runs once, before the first connection is accepted."""


def report(state):
    """What GET / says."""
    return {"count": state.count}
