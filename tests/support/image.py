"""Root file systems as images have them, to try in a chroot what is to run in any. Needs in-namespaces."""

import pathlib
import shutil
import subprocess

CHROOT = "/usr/sbin/chroot"
DEVICES = ("null", "zero", "random", "urandom")


class Image:
    """A root file system below `root`, by default an empty one, with what every container gets: devices and /proc."""

    def __init__(self, root):
        self.root = pathlib.Path(root)
        self._mounted = []
        for device in DEVICES:
            self._mount(f"/dev/{device}", is_file=True)
        self._mount("/proc")

    @property
    def wrapper(self):
        """What a command is started by, to run in it."""
        return [CHROOT, str(self.root)]

    def close(self):
        for place in reversed(self._mounted):
            subprocess.run(["umount", "--recursive", "--lazy", place], check=True)

    def within(self, path):
        """Where an absolute path of the image lies."""
        return self.root / str(path).lstrip("/")

    def share(self, path):
        """The image sees the directory `path` under the same name."""
        self._mount(path)

    def unpack(self, tarball):
        """What ADD in a Dockerfile does."""
        subprocess.run(["tar", "-x", "-C", self.root, "-f", tarball], check=True)

    def put(self, path, source):
        """The file `source` as `path` of the image."""
        place = self.within(path)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, place)

    def write(self, path, text):
        place = self.within(path)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)

    def run(self, *command, env=()):
        """What a command in it says, which must succeed."""
        done = subprocess.run([*self.wrapper, *map(str, command)], env=dict(env), check=False, text=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=30)
        if done.returncode != 0:
            raise AssertionError(f"{command} ended with {done.returncode} in {self.root}: {done.stdout}")
        return done.stdout

    def _mount(self, path, is_file=False):
        place = self.within(path)
        place.parent.mkdir(parents=True, exist_ok=True)
        if is_file:
            place.touch()
        else:
            place.mkdir(exist_ok=True)
        subprocess.run(["mount", "--rbind" if path == "/proc" else "--bind", path, place], check=True)
        self._mounted.append(place)
