#!/usr/bin/python3
"""Cheroot as its documentation starts it: no SIGTERM handler."""

from cheroot.wsgi import Server

from wsgi import app

Server(("0.0.0.0", @PORT@), app).start()
