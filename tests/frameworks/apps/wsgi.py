"""A WSGI app: every request is answered with the version, /slow after two seconds."""

import json
import time

BODY = json.dumps({"version": "@VERSION@"}).encode()


def app(environ, start_response):
    environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    if environ["PATH_INFO"] == "/slow":
        time.sleep(2)
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(BODY)))])
    return [BODY]
