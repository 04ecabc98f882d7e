"""Version 1 counts."""
import json

VERSION = "v1"
SCHEMA, IMPORTS = "counter/1", ["counter/1"]


def new_state():
    return {"count": 0}


def add(state, number):
    state["count"] += number


def total(state):
    return state["count"]


def dump(state, file):
    file.write(json.dumps(state).encode())


def load(file, _):
    state = json.load(file)
    return {"count": int(state["count"])}
