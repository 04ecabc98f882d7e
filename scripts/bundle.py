#!/usr/bin/python3 -B
"""Packs midair-sidecar.tar.gz, what `ADD midair-sidecar.tar.gz /` makes of any image: the sidecar below /opt/midair with
its own loader, libraries, CA certificates and the licences of all that.

    scripts/bundle.py BUILD TARBALL      `make bundle` builds its parts before

The same parts give the same bytes.
"""

import glob
import gzip
import io
import pathlib
import re
import subprocess
import sys
import tarfile

SOURCE = pathlib.Path(__file__).resolve().parents[1]
PLACE = "opt/midair"
MAX_BYTES = 20 << 20
GROUPS_BYTES = 1 << 20  # what a build with MIDAIR_UNITY may have more: it links libraries that only the agent needs
LOADER = "ld-linux-x86-64.so.2"
CERTIFICATES = "/usr/share/ca-certificates/mozilla/*.crt"  # Debian's alone, not what this computer trusts besides
COMMON_LICENSES = "/usr/share/common-licenses/"
COMPILED_IN = ("liblua5.4-dev",)  # static libraries
# What the loader would read of the image, which is meant for another loader: names of the same length, of nothing.
UNREAD = {b"\0/etc/ld.so.cache\0": b"\0/opt/midair/none\0", b"\0/etc/ld.so.preload\0": b"\0/opt/midair/unread\0"}


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def libraries(program):
    """The files of all shared libraries that `program` needs, by the name it needs them by; the loader among them."""
    found = {}
    for line in run("ldd", program).splitlines():
        if match := re.match(r"\s*(?:(\S+) => )?(/\S+) \(0x", line):
            found[match[1] or pathlib.Path(match[2]).name] = pathlib.Path(match[2])
        elif "linux-vdso" not in line:
            raise SystemExit(f"bundle: {program} needs what isn't here: {line.strip()}")
    return found


def own_loader(file):
    data = file.read_bytes()
    for name, unread in UNREAD.items():
        if data.count(name) != 1 or len(name) != len(unread):
            raise SystemExit(f"bundle: {file} isn't the loader that is known here: it has {name} {data.count(name)} times")
        data = data.replace(name, unread)
    return data


def package_of(file):
    """The Debian package of an installed file; what dpkg knows below /lib may be found below /usr/lib."""
    for path in (str(file), str(file.resolve()), str(file.resolve()).removeprefix("/usr")):
        done = subprocess.run(["dpkg", "-S", path], check=False, capture_output=True, text=True)
        if done.returncode == 0:
            return done.stdout.split(":")[0]
    raise SystemExit(f"bundle: no Debian package has {file}, so its licence isn't known")


def licences(packages):
    """share/doc: who made what of it, under which licence; and the texts to which these refer."""
    texts = {f"share/doc/{package}/copyright": pathlib.Path("/usr/share/doc", package, "copyright").read_bytes()
             for package in packages}
    texts["share/doc/midair-sidecar/copyright"] = (SOURCE / "cmake/debian-copyright").read_bytes()
    wanted = {name.decode() for text in texts.values()
              for name in re.findall(rb"/usr/share/common-licenses/([A-Za-z]+(?:-\d+(?:\.\d+)?)?)", text)}
    texts |= {f"share/common-licenses/{name}": pathlib.Path(COMMON_LICENSES, name).read_bytes() for name in sorted(wanted)}
    listed = run("dpkg-query", "-W", "-f", "${Package} ${Version} (source ${source:Package} ${source:Version})\n", *packages)
    texts["share/doc/midair-sidecar/SOURCES"] = (
        "Of these Debian packages this bundle holds files as they are, but for its loader, in which the names of\n"
        f"/etc/ld.so.cache and /etc/ld.so.preload were replaced (lib/{LOADER}, of libc6). Their sources are on\n"
        "https://snapshot.debian.org. In share/doc/*/copyright, /usr/share/common-licenses is share/common-licenses here.\n\n"
        + "".join(sorted(listed.splitlines(True)))).encode()
    return texts


def contents(build):
    """What is below /opt/midair: names and (mode, bytes)."""
    files = {"bin/midair-sidecar": (0o755, (build / "bundle/bin/midair-sidecar").read_bytes()),
             "lib/midair-sidecar": (0o755, (build / "bundle/lib/midair-sidecar").read_bytes())}
    found = libraries(build / "bin/midair-sidecar")
    for name, file in found.items():
        files[f"lib/{name}"] = (0o755, own_loader(file)) if name == LOADER else (0o644, file.read_bytes())
    roots = [pathlib.Path(name).read_bytes() for name in sorted(glob.glob(CERTIFICATES))]
    if not roots:
        raise SystemExit(f"bundle: there is no {CERTIFICATES}: install ca-certificates")
    files["etc/ssl/certs/ca-certificates.crt"] = (0o644, b"".join(roots))
    packages = sorted({package_of(file) for file in found.values()} | {"ca-certificates", *COMPILED_IN})
    return files | {name: (0o644, text) for name, text in licences(packages).items()}


def entry_of(name, kind, mode=0o755):
    entry = tarfile.TarInfo(name)
    entry.type, entry.mode, entry.uname, entry.gname = kind, mode, "root", "root"
    return entry


def pack(files, tarball):
    """Directories first; what is the same twice, as licences are, a second time as a hard link."""
    files = {f"{PLACE}/{name}": file for name, file in sorted(files.items())}
    directories = {str(parent) for name in files for parent in pathlib.PurePath(name).parents} - {"."}
    first = {}
    with open(tarball, "wb") as out, gzip.GzipFile("", "wb", 9, out, mtime=0) as packed, \
            tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name in sorted(directories):
            tar.addfile(entry_of(name, tarfile.DIRTYPE))
        for name, (mode, data) in files.items():
            entry = entry_of(name, tarfile.REGTYPE, mode)
            if data in first:
                entry.type, entry.linkname = tarfile.LNKTYPE, first[data]
            else:
                first[data], entry.size = name, len(data)
            tar.addfile(entry, io.BytesIO(data))


def is_built_in_groups(build):
    return "MIDAIR_UNITY:BOOL=ON" in (build / "CMakeCache.txt").read_text()


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    build = pathlib.Path(sys.argv[1])
    files = contents(build)
    total = sum(map(len, {data for _, data in files.values()}))
    limit = MAX_BYTES + (GROUPS_BYTES if is_built_in_groups(build) else 0)
    if total > limit:
        sys.exit(f"bundle: {total} bytes unpacked are more than the {limit} that are allowed")
    pack(files, sys.argv[2])
    print(f"bundle: {sys.argv[2]}: {len(files)} files, {total / (1 << 20):.1f} MiB unpacked, "
          f"{pathlib.Path(sys.argv[2]).stat().st_size / (1 << 20):.1f} MiB packed")


if __name__ == "__main__":
    main()
