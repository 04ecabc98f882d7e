"""One server behind the real sidecar, under clients that never ask twice: three upgrades, then a release that dies."""

import contextlib
import os
import re
import signal
import subprocess
import time

import clients
from fleet import Agent, FileStore, Machine, scratch, wait_until
from servers import replaced, write_release

UPGRADES = ("v1", "v2", "v3")
DIES_AFTER = 0.3  # seconds after the switch
DRAIN = 15  # seconds
READY = "60s"


class Trial:
    """Tries `server`, in directories of its own below `root`."""

    def __init__(self, server, root, crowd):
        self.server, self.root, self.crowd = server, root, crowd
        self.scratch = root / "scratch"
        self.scratch.mkdir()
        self.store = FileStore(root / "store", app="app")
        self.built = self._build() if server.build else None
        base = root / "base"
        self.machine = Machine(root, "m1", self.store.address, base, app="app", image="app:deployment-01BASE",
                               passed=False, command=("true",), env=self._environment(), options=self._options())
        self.port = self.machine.port
        self.machine.command = [self._filled(word) for word in server.command]
        self.machine.env.update((name, self._filled(value)) for name, value in server.environment)
        self._release("base")

    def run(self):
        """What was counted, as a value for JSON; raises what hinders the trial itself."""
        with self.machine.start() as machine:
            machine.wait_for_version("base", timeout=60)
            agent = Agent(self.store.address, app="app", cwd=self.root)
            wait_until(lambda: machine.name in agent.status(), machine.tail)
            with clients.Clients(self.port, self.crowd) as load:
                self._await_more(load, 50)
                upgraded = [self._upgrade(agent, load, generation, version)
                            for generation, version in enumerate(UPGRADES, start=2)]
                crash = self._roll_back(agent)
                self._await_more(load, 50)
            return self._counted(load, upgraded, crash)

    # -- its parts

    def _options(self):
        return {"--probation": "1s", "--close-idle": "500ms", "--drain-timeout": f"{DRAIN}s",
                "--ready-timeout": READY, **dict(self.server.options)}

    def _environment(self):
        return {"PATH": f"/usr/sbin:/usr/bin:/sbin:/bin:{os.environ['PATH']}", "HOME": str(self.scratch)}

    def _filled(self, word):
        return replaced(word, {"@PORT@": str(self.port), "@SCRATCH@": str(self.scratch)})

    def _build(self):
        directory = write_release(self.server, self.root / "build", "any", 0, self.scratch)
        caches = {"GOCACHE": os.environ.get("GOCACHE", os.path.expanduser("~/.cache/go-build")), "GO111MODULE": "off",
                  "CGO_ENABLED": "0"}
        environment = {**os.environ, **self._environment(), **caches}
        subprocess.run(self.server.build, cwd=directory, env=environment, check=True, timeout=300)
        return directory / "server"

    def _release(self, version):
        return write_release(self.server, self.root / version, version, self.port, self.scratch, self.built)

    def _await_more(self, load, number):
        wanted = len(load.fresh.answered) + number
        wait_until(lambda: len(load.fresh.answered) >= wanted, self.machine.tail, timeout=60)

    def _upgrade(self, agent, load, generation, version):
        """True if it was made. Waits until the old process has ended, as the time for it allows."""
        done = agent.run_hot(self._release(version), version, "--timeout", "90s", timeout=120)
        if done.returncode != 0:
            return False
        with contextlib.suppress(TimeoutError):
            wait_until(lambda: f"app.ended generation={generation - 1} " in self.machine.log(), "", timeout=DRAIN + 5)
        self._await_more(load, 20)
        return True

    def _roll_back(self, agent):
        """Ships a release whose main process dies soon after the switch; returns when, as (died, back)."""
        with self._shipped(agent, "bad") as shipping:
            self._await_log(r"swap\.probation version=bad ")
            time.sleep(DIES_AFTER)
            pids = re.findall(r"app\.started generation=\d+ pid=(\d+) release=\"version bad", self.machine.log())
            died = time.time()
            os.kill(int(pids[-1]), signal.SIGKILL)
            self._await_log(r"swap\.rolled_back version=bad ")
            back = time.time()
            shipping.communicate(timeout=60)
        self.machine.wait_for_version(UPGRADES[-1], timeout=60)
        return died, back

    def _shipped(self, agent, version):
        command = agent.hot(self._release(version), version, "--timeout", "60s")
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=self.root,
                                env=agent.environment())

    def _await_log(self, pattern):
        wait_until(lambda: re.search(pattern, self.machine.log()), self.machine.tail, timeout=90)

    def _counted(self, load, upgraded, crash):
        log = self.machine.log()
        counts = {"upgraded": sum(upgraded), "way_back": "anew" if log.count("app.started") > 5 else "warm",
                  "killed_after_drain": len(re.findall(r"app\.drain_timeout", log))}
        died_with_it = 0
        for name, kind in (("fresh", load.fresh), ("kept", load.kept), ("brisk", load.brisk),
                           ("slow", load.slow)):
            failed = [text for began, ended, text in kind.failed if not was_cut_by(crash, began, ended)]
            died_with_it += len(kind.failed) - len(failed)
            counts[name] = {"requests": len(kind.answered) + len(kind.failed), "failed": len(failed),
                            "closings": len(kind.closings), "failures": failed[:10]}
        counts["died_with_release"] = died_with_it
        counts["longest_ms"] = round(1000 * max(took for _, took in load.fresh.answered))
        return counts


def was_cut_by(crash, began, ended):
    """Whether a request was under way when the release died, and failed of that: nobody can save its answer."""
    died, back = crash
    return began <= back and died <= ended <= back + 0.5


def try_server(server, crowd=clients.Crowd()):
    """The server's row: its counts, or why there are none."""
    row = {"name": server.name, "version": server.version()}
    if server.missing():
        return {**row, "skipped": f"{', '.join(server.missing())} isn't there"}
    with scratch("frameworks") as root:
        try:
            return {**row, **Trial(server, root, crowd).run()}
        except (TimeoutError, OSError, subprocess.SubprocessError) as error:
            return {**row, "error": str(error)}
