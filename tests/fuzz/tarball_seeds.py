"""Seeds for what reads tarballs, made from the corpus of evil ones instead of being kept as binary files."""

import gzip
import pathlib
import subprocess
import sys
import tempfile
import zlib

EVIL_TARBALLS = pathlib.Path(__file__).resolve().parents[1] / "support" / "evil_tarballs.py"
BLOCK = 512


def tarball(packed):
    return packed


def archive(packed):
    return gzip.decompress(packed)


def archive_without_manifest(packed):
    """What follows the first entry."""
    plain = archive(packed)
    size = int(plain[124:135] or b"0", 8)
    return plain[BLOCK + -(-size // BLOCK) * BLOCK:]


SEED_OF = {"gzip": tarball, "tar": archive, "extract": archive_without_manifest}


def write_seeds(name, directory, max_bytes):
    """Writes the seeds of the fuzzer `name`, no longer than `max_bytes`, to `directory`."""
    directory.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="midair-seeds-") as evil:
        subprocess.run([sys.executable, "-B", EVIL_TARBALLS, evil], check=True)
        for path in pathlib.Path(evil).glob("*.tar.gz"):
            try:
                seed = SEED_OF[name](path.read_bytes())
            except (OSError, EOFError, ValueError, zlib.error):  # not that far from a tarball
                continue
            if len(seed) <= max_bytes:
                (directory / path.name).write_bytes(seed)
