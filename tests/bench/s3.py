"""The bucket that with-s3 gives us: addresses for Midair, the same requests by curl, and a count of what it was asked."""

import csv
import dataclasses
import os
import socket
import statistics
import subprocess
import uuid


@dataclasses.dataclass
class Traffic:
    """What went through the server's front. Bytes are those of HTTP, heads and bodies, without TCP/IP."""

    requests: int
    connections: int
    bytes: int

    def __sub__(self, other):
        return Traffic(self.requests - other.requests, self.connections - other.connections, self.bytes - other.bytes)


class Bucket:
    """A part of the bucket that nobody used before."""

    def __init__(self):
        self.prefix = uuid.uuid4().hex[:8]
        self.bucket = os.environ["MIDAIR_TEST_BUCKET"]
        self.endpoint = os.environ["AWS_ENDPOINT_URL_S3"]

    @property
    def address(self):
        return f"s3://{self.bucket}/{self.prefix}"

    def url(self, key):
        return f"{self.endpoint}/{self.bucket}/{self.prefix}/{key}"

    def list_url(self, prefix):
        """Of a ListObjectsV2 request, in the spelling that is signed."""
        path = f"{self.prefix}/{prefix}".replace("/", "%2F")
        return f"{self.endpoint}/{self.bucket}?list-type=2&prefix={path}"

    @staticmethod
    def traffic():
        """Since the server was started."""
        with socket.socket(socket.AF_UNIX) as front:
            front.connect(os.environ["MIDAIR_TEST_S3_STATS"])
            front.sendall(b"show stat plain 1 -1\n")
            answer = front.makefile(encoding="ascii").read().lstrip("# ")
        row = next(csv.DictReader(answer.splitlines()))
        return Traffic(int(row["req_tot"]), int(row["conn_tot"]), int(row["bin"]) + int(row["bout"]))


def curl_config(**settings):
    """What `curl -K` is to read: credentials must not be seen in a process list."""
    user = f"{os.environ['AWS_ACCESS_KEY_ID']}:{os.environ['AWS_SECRET_ACCESS_KEY']}"
    lines = [f'user = "{user}"', 'aws-sigv4 = "aws:amz:auto:s3"', 'header = "x-amz-content-sha256: UNSIGNED-PAYLOAD"',
             "silent", "show-error", "fail"]
    return "\n".join(lines + [f'{key} = "{value}"' for key, value in settings.items()]) + "\n"


def curl(transfers, *options):
    """Runs one curl for all `transfers`, each a dict of its settings; returns what it wrote."""
    config = curl_config() + "".join(f'{key} = "{value}"\n' for one in transfers for key, value in one.items())
    return subprocess.run(["curl", "-K", "-", *options], input=config, capture_output=True, text=True, check=True).stdout


def round_trip_ms(repetitions=20, **transfer):
    """Median time of one such request on a connection that is open."""
    transfers = [{"output": "/dev/null", **transfer}] * (repetitions + 1)
    times = curl(transfers, "-w", "%{time_total}\n").split()
    return statistics.median(map(float, times[1:])) * 1000
