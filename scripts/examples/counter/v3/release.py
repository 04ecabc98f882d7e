"""Version 3: a release with a bug that only shows once it runs."""

VERSION = "v3"


def start_up(state):
    """Runs once, before the first connection is accepted."""
    average = state.count / len(state.recent(0))  # the bug: asks for no messages, then divides by their number
    print(f"messages are {average} long on average")


def report(state):
    """What GET / says."""
    return {"count": state.count}
