"""A sidecar that polls and finds nothing new, beside curl doing the same conditional GET."""

import contextlib
import os
import subprocess
import time

from figure import Figure
from fleet import Agent, Machine, counter_release, uninterrupted, wait_until
from measure import count_system_calls, cpu_seconds, memory
from s3 import Bucket, curl_config

SECONDS, SMALL_SECONDS = 60, 1
COUNTING_SECONDS, SMALL_COUNTING_SECONDS = 10, 1


@contextlib.contextmanager
def idle_machine(directory, bucket):
    """A machine that has taken its upgrade and goes on polling every second."""
    base = counter_release(directory / "base", "v1")
    options = {"--poll-interval": "1s", "--probation": "100ms"}
    with contextlib.closing(Machine(directory, "m1", bucket.address, base, options=options)) as machine:
        agent = Agent(bucket.address, cwd=directory)
        machine.start()
        wait_until(lambda: "m1" in agent.status(), machine.tail)
        done = agent.run_hot(counter_release(directory / "release", "v2"), "r1")
        if done.returncode != 0:
            raise RuntimeError(f"midair hot: {done.stderr}{machine.tail()}")
        machine.wait_for_polls(1)  # what it had to tell is told
        yield machine


def conditional_get(url, etag, times=1):
    """curl's configuration for `times` such requests on one connection, one a second."""
    one = f'url = "{url}"\noutput = "/dev/null"\n'
    return curl_config(header=f'If-None-Match: \\"{etag}\\"', rate="60/m") + one * times


class CurlOnce:
    """A process for each poll, each second, as a shell script would do it."""

    def __init__(self, configuration):
        self.command = ["curl", "-K", configuration]
        self.polls, self.cpu_seconds = 0, 0.0
        self._next = time.monotonic()

    def poll_if_due(self):
        if time.monotonic() < self._next:
            return
        with uninterrupted():
            process = subprocess.Popen(self.command)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            raise RuntimeError("curl failed")
        self.polls += 1
        self.cpu_seconds += usage.ru_utime + usage.ru_stime
        self._next += 1


@contextlib.contextmanager
def running(*command):
    with uninterrupted():
        process = subprocess.Popen(command)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def polls_of(machine):
    return machine.status()["poller"]["polls"]


def traffic_during(bucket, action):
    before = bucket.traffic()
    result = action()
    return result, bucket.traffic() - before


def run(directory, small):
    seconds = SMALL_SECONDS if small else int(os.environ.get("BENCH_SECONDS", SECONDS))
    counting = SMALL_COUNTING_SECONDS if small else min(seconds, COUNTING_SECONDS)
    bucket = Bucket()
    with idle_machine(directory, bucket) as machine:
        pid, etag = machine.process.pid, machine.status()["poller"]["etag"].strip('"')
        url = bucket.url("releases/counter-current.json")
        once, kept = directory / "once.curl", directory / "kept.curl"
        for path, times in ((once, 1), (kept, seconds + 20)):
            path.touch(0o600)
            path.write_text(conditional_get(url, etag, times))

        # CPU: all three side by side, so that the machine's other work hits each of them.
        curl = CurlOnce(once)
        with running("curl", "-K", kept) as kept_curl:
            time.sleep(1.5)  # its start is no poll
            begin, before = time.monotonic(), (cpu_seconds(pid), cpu_seconds(kept_curl.pid), polls_of(machine))
            while time.monotonic() < begin + seconds:
                curl.poll_if_due()
                time.sleep(0.05)
            after = (cpu_seconds(pid), cpu_seconds(kept_curl.pid), polls_of(machine))
            elapsed = time.monotonic() - begin
            (anonymous, threads), (curl_anonymous, curl_threads) = memory(pid), memory(kept_curl.pid)

        # Bytes and system calls: one after the other, for the server counts them all together.
        calls, traffic = traffic_during(bucket, lambda: count_system_calls(counting + 0.5, "-p", pid))
        kept.write_text(conditional_get(url, etag, counting + 1))
        kept_calls, kept_traffic = traffic_during(
            bucket, lambda: count_system_calls(counting * 3 + 10, "curl", "-K", kept))
        once_calls, once_traffic = traffic_during(bucket, lambda: count_system_calls(10, "curl", "-K", once))
    cpu, curl_cpu, polled = (end - start for start, end in zip(before, after))
    process, connection = "curl, a process for each poll", "curl, one connection, GET each second"
    milliseconds = 1000 * cpu / polled
    return [Figure("idle.cpu", milliseconds, "ms per poll", 1000 * curl_cpu / elapsed, connection),
            Figure("idle.cpu", milliseconds, "ms per poll", 1000 * curl.cpu_seconds / curl.polls, process),
            Figure("idle.bytes", traffic.bytes / traffic.requests, "per poll",
                   kept_traffic.bytes / kept_traffic.requests, connection),
            Figure("idle.connections", traffic.connections / traffic.requests, "per poll",
                   once_traffic.connections / once_traffic.requests, process, aim=("<=", 0.1)),
            Figure("idle.system_calls", calls / traffic.requests, "per poll", (kept_calls - once_calls) / counting, connection),
            Figure("idle.system_calls", calls / traffic.requests, "per poll", once_calls, process),
            Figure("idle.anonymous_memory", anonymous, "MiB", curl_anonymous, connection, aim=("<=", 4)),
            # The loop, the store's thread, and those that write the log and the app's output, so that who doesn't read
            # them stops neither.
            Figure("idle.threads", threads, "threads", curl_threads, connection, aim=("<=", 4))]
