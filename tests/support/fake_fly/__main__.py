"""midair-fake-fly: a stand-in for Fly's Machines API that needs no account."""

import argparse
import signal
import sys
import threading

from server import Server
from world import World


def main():
    parser = argparse.ArgumentParser(prog="midair-fake-fly", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="on 127.0.0.1; 0: any that is free (default)")
    parser.add_argument("--token", action="append", help="accept this one; may be repeated (default: fake-token)")
    parser.add_argument("--app", action="append", default=[], metavar="NAME[:COUNT]",
                        help="have this app, with so many started machines; may be repeated")
    parser.add_argument("--image", default="registry.fly.io/fake:deployment-01FAKE", help="of those machines")
    parser.add_argument("--pace", type=float, default=1.0, help="1: as slow as Fly; 0.1: ten times as fast")
    parser.add_argument("--lag", type=float, default=0.5, help="seconds that lists are behind, at pace 1")
    parser.add_argument("--no-rate-limits", action="store_true", help="never answer 429 by itself")
    options = parser.parse_args()

    world = World(options.pace, options.lag, not options.no_rate_limits)
    for app in options.app:
        name, _, count = app.partition(":")
        world.create_app(name, "personal")
        for _ in range(int(count or 0)):
            machine = world.create_machine(name, {"config": {"image": options.image, "guest": {
                "cpu_kind": "shared", "cpus": 1, "memory_mb": 256}, "metadata": {"fly_process_group": "app"}}})
            machine.history = [(0, "started")]
            machine.born = 0

    server = Server(("127.0.0.1", options.port), world, set(options.token or ["fake-token"]))
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: threading.Thread(target=server.shutdown).start())
    print(f"midair-fake-fly: listening on http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever(poll_interval=0.2)


if __name__ == "__main__":
    sys.exit(main())
