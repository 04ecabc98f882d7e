"""The demo: three machines under load, one good upgrade, one broken one; then one in place. Started by
scripts/demo.sh."""

import contextlib
import pathlib
import shlex
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tests/support"))
from fleet import (Agent, FileStore, Interruption, Load, Machine, counter_release, uninterrupted,  # noqa: E402
                   wait_until)
from in_place import InPlaceAct  # noqa: E402
from terminal import colour, note, step, table  # noqa: E402

MACHINES = {"m-fra": "fra", "m-iad": "iad", "m-syd": "syd"}
LOAD = ("--connections", "12", "--think", "20ms", "--streams", "1", "--posts", "20")
SIDECAR = {"--poll-interval": "500ms", "--probation": "2s"}


class Demo:
    def __init__(self, root, resources):
        self.root = root
        self.resources = resources
        self.store = FileStore(root / "store")
        self.agent = Agent(self.store.address, cwd=root)
        self.releases = {version: counter_release(root / version, version) for version in ("v1", "v2", "v3")}
        self.machines, self.loads = [], []

    def run(self):
        """Returns the rows of the closing table."""
        step("Three machines start on their base image, v1")
        self.start_machines()
        step("Clients begin to ask, post and stream on all three")
        self.start_load()

        step("Upgrade to v2, while they serve")
        upgraded = self.publish(self.agent, "v2", "v2")
        on_v2 = [self.serves(machine, "v2", "completed") for machine in self.machines]
        self.let_clients_see()

        step("Publish v3, which says it is ready and then crashes")
        refused = self.publish(self.agent, "v3", "v3")
        rolled_back = [self.serves(machine, "v2", "rolled_back", of="v3") for machine in self.machines]
        self.let_clients_see()

        rows = self.rows(upgraded == 0, on_v2, refused != 0, rolled_back)

        rows += InPlaceAct(self.root, self.resources, self.publish).run()
        step("What the clients saw")
        return rows

    def start_machines(self):
        for name, region in MACHINES.items():
            machine = Machine(self.root, name, self.store.address, self.releases["v1"], region=region, options=SIDECAR)
            self.machines.append(self.resources.enter_context(machine))
            machine.start()
        for machine in self.machines:
            machine.wait_for_version("v1")
            wait_until(lambda name=machine.name: self.store.record(name), f"the record of {machine.name}")
            note(f"{machine.name} serves v1 on http://127.0.0.1:{machine.port}/")

    def start_load(self):
        for machine in self.machines:
            load = Load(machine.port, self.root / f"{machine.name}.load", *LOAD)
            with uninterrupted():
                self.loads.append(self.resources.enter_context(load))
        self.let_clients_see()

    def let_clients_see(self):
        """Until each client of every machine asked a few times more."""
        for load in self.loads:
            load.wait_for_requests(load.latest().get("requests", 0) + 300)

    def publish(self, agent, release, version):
        """Runs `midair hot` as a user would, with its own output; returns its exit status."""
        command = agent.hot(release, version, "--timeout", "60s")
        print("  $ " + colour("bold", shlex.join(["midair", *command[1:]])), flush=True)
        with uninterrupted():
            running = subprocess.Popen(command, env=agent.environment(), cwd=agent.cwd)
            self.resources.callback(end, running)
        return running.wait(90)

    def serves(self, machine, version, status, of=None):
        """The machine reported `status` for release `of`, and its app itself says that it runs `version`."""
        result = self.store.result(machine.name, of or version)
        answer = machine.get()
        return bool(result and answer and result["status"] == status and answer["version"] == version)

    def rows(self, upgraded, on_v2, refused, rolled_back):
        seen = [load.finish() for load in self.loads]
        counts = [answer["count"] if answer else None for answer in (machine.get() for machine in self.machines)]
        acknowledged = [summary["posts"] for summary in seen]
        requests = sum(summary["requests"] for summary in seen)
        failed = sum(summary["failures"] for summary in seen)
        everyone = f"of {len(self.machines)}"
        for summary in seen:
            for sample in summary["failure_samples"]:
                note(sample)
        return [
            ("requests sent", f"{requests:,}", None),
            ("requests failed", str(failed), failed == 0 and requests > 0),
            ("longest pause that a client saw", f"{max(summary['pause_ms'] for summary in seen):.0f} ms", None),
            ("99 % of the answers came within", f"{max(summary['p99_ms'] for summary in seen):.1f} ms", None),
            ("streams finished", f"{sum(summary['streams'] for summary in seen):,}", None),
            ("machines upgraded to v2", f"{sum(on_v2)} {everyone}", upgraded and all(on_v2)),
            ("machines that rolled v3 back", f"{sum(rolled_back)} {everyone}", refused and all(rolled_back)),
            ("messages acknowledged", f"{sum(acknowledged):,}", None),
            ("messages that the apps remember", f"{sum(count or 0 for count in counts):,}", counts == acknowledged),
        ]


def end(process):
    if process.poll() is None:
        process.terminate()
        process.wait(20)


def main():
    Interruption.install()
    root = pathlib.Path(tempfile.mkdtemp(prefix="midair-demo-"))
    held, interrupted = False, False
    try:
        with contextlib.ExitStack() as resources:
            rows = Demo(root, resources).run()
            table(rows)
            held = all(kept is not False for _, _, kept in rows)
    except SystemExit:
        interrupted = True
        raise
    except (AssertionError, OSError, RuntimeError, subprocess.SubprocessError) as error:
        print(colour("red", f"\ndemo: {error}"), file=sys.stderr)
    finally:
        if held or interrupted:
            shutil.rmtree(root, ignore_errors=True)
    if not held:
        print(f"\nNot all of it held. Logs of machines and clients: {root}", file=sys.stderr)
        return 1
    print("\n" + colour("green", "All of it held.") + " Everything that was started is stopped.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
