"""Certificates for tests."""

import pathlib
import subprocess

NEW_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]


class Authority:
    """Signs certificates for two days. Keeps its own in `directory`/ca.pem; that directory exists."""

    def __init__(self, directory):
        self.directory = pathlib.Path(directory)
        self.certificate = self.directory / "ca.pem"
        self._openssl("req", "-x509", *NEW_KEY, "-days", "2", "-subj", "/CN=midair-test-ca", "-keyout", "ca.key",
                      "-addext", "basicConstraints=critical,CA:TRUE", "-out", "ca.pem")

    def sign(self, name, names, days=2):
        """Makes `name`.pem, certificate and key, for `names` such as "DNS:localhost"; returns its path."""
        (self.directory / "names").write_text(f"subjectAltName={names}\nextendedKeyUsage=serverAuth\n")
        self._openssl("req", *NEW_KEY, "-subj", "/CN=localhost", "-keyout", f"{name}.key", "-out", f"{name}.csr")
        self._openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
                      "-days", str(days), "-extfile", "names", "-out", f"{name}.crt")
        both = self.directory / f"{name}.pem"
        both.write_text("".join((self.directory / f"{name}.{part}").read_text() for part in ("crt", "key")))
        return both

    def _openssl(self, *arguments):
        done = subprocess.run(["openssl", *arguments], cwd=self.directory, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=60, check=False)
        if done.returncode != 0:
            raise OSError(f"openssl {arguments[0]} failed: {done.stderr[-2000:]}")
