"""What processes cost."""

import contextlib
import dataclasses
import os
import pathlib
import signal
import subprocess
import time

from fleet import wait_until

MIB = 1 << 20


@dataclasses.dataclass
class Cost:
    seconds: float
    cpu_seconds: float
    peak_mib: float  # resident; pages of shared libraries count


def run_measured(*command, **options):
    """Runs a command that must succeed. Its peak is that of the largest process it waited for."""
    # GNU time starts it, for a child's peak begins with that of whoever forks it, and Python is large.
    begin = time.monotonic()
    done = subprocess.run(["/usr/bin/time", "-q", "-f", "%U %S %M", *map(str, command)], stdout=subprocess.DEVNULL,
                          stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True, check=False, **options)
    seconds = time.monotonic() - begin
    if done.returncode != 0:
        raise RuntimeError(f"{command} ended with {done.returncode}: {done.stderr}")
    user, system, kib = done.stderr.splitlines()[-1].split()
    return Cost(seconds, float(user) + float(system), int(kib) / 1024)


def cpu_seconds(pid):
    """Spent so far by all living threads of a process, to the nanosecond."""
    tasks = pathlib.Path(f"/proc/{pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9


def memory(pid):
    """(anonymous MiB, threads) of a process."""
    fields = dict(line.split(":", 1) for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines())
    return int(fields["RssAnon"].split()[0]) / 1024, int(fields["Threads"])


def count_system_calls(seconds, *what):
    """System calls of all threads of what `strace` is told to watch (`-p PID`, or a command), for at most `seconds`."""
    process = subprocess.Popen(["strace", "-f", "-c", "-U", "calls,name", *map(str, what)], stdout=subprocess.DEVNULL,
                               stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True)
    try:
        try:
            _, report = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGINT)
            _, report = process.communicate(timeout=20)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
    totals = [line.split()[0] for line in report.splitlines() if line.strip().endswith("total")]
    if not totals:
        raise RuntimeError(f"strace counted nothing: {report[-500:]}")
    return int(totals[-1])


def kill_those_inside(directory):
    """Ends every process whose working directory is `directory` or below, and reaps orphans. For daemons, which leave
    their session and their parent. Not while a child of ours is still to be waited for."""
    inside = str(directory)

    def gone():
        found = False
        for pid in filter(str.isdigit, os.listdir("/proc")):
            with contextlib.suppress(OSError):
                if os.readlink(f"/proc/{pid}/cwd").startswith(inside):
                    os.kill(int(pid), signal.SIGKILL)
                    found = True
        return not found
    wait_until(gone, f"processes below {directory} to end")
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
