"""Releases hold what real trees hold, and go where they can be unpacked."""

import json
import os
import pathlib
import subprocess
import unittest

from case import FleetCase

IMAGE = "registry.fly.io/counter:deployment-01BASE"
CHUNK = "vendors-node_modules_" * 5 + "pages_index.js"  # 119 bytes, as webpack names them


def write(root, files):
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)


def like_next(root):
    write(root, {".next/server/app/[slug]/page.js": "1", ".next/server/app/(shop)/[...all]/page.js": "2",
                 f".next/static/chunks/{CHUNK}": "3", "public/a~b,c=d & 'e'.txt": "4", "public/Logo.svg": "5",
                 "public/logo.svg": "6", "locale/français.po": "7"})


def like_pnpm(root):
    store = "node_modules/.pnpm/left@1.0.0/node_modules"
    write(root, {f"{store}/left/index.js": "module.exports = 1", f"{store}/left/bin/left.js": "#!/usr/bin/env node\n",
                 f"{store}/right/index.js": "module.exports = 2"})
    (root / f"{store}/left/bin/left.js").chmod(0o755)
    (root / "node_modules/left").symlink_to(".pnpm/left@1.0.0/node_modules/left")
    (root / "node_modules/.bin").mkdir()
    (root / "node_modules/.bin/left").symlink_to("../left/bin/left.js")  # over another link


def like_venv(root):
    subprocess.run(["/usr/bin/python3", "-m", "venv", "--without-pip", root / "venv"], check=True)
    site = next((root / "venv/lib").iterdir()) / "site-packages"
    write(site, {"setuptools/command/launcher manifest.xml": "<x/>", "setuptools/__init__.py": "x = 1\n"})
    subprocess.run(["/usr/bin/python3", "-m", "compileall", "-q", site], check=True)


def like_rails(root):
    (root / "tmp/pids").mkdir(parents=True)
    write(root, {"config/master.key": "secret", "config/keys/tls.pem": "secret"})
    (root / "config/master.key").chmod(0o600)
    (root / "config/keys").chmod(0o700)


class AnyTree(FleetCase):
    def test_real_trees_are_packed_shipped_running_and_equal(self):
        machine = self.started()
        release = self.release("real")
        for fill in (like_next, like_pnpm, like_venv, like_rails):
            fill(release)
        done = self.publish("real")
        self.assertEqual(machine.version(), "real")
        current = machine.state_dir / "current"
        said = subprocess.run(["rsync", "-n", "-rlpc", "-i", "--delete", "--chmod=a-w", "--exclude=/midair.json",
                               f"{release}/", f"{current}/"], check=True, stdout=subprocess.PIPE, text=True).stdout
        self.assertEqual(said, "")
        self.assertIn("1 .pyc file is for sources of another time", done.stdout)
        self.assertIn("compileall --invalidation-mode checked-hash", done.stdout)
        self.assertTrue(os.path.samefile(current / "venv/bin/python3", "/usr/bin/python3"))
        self.assertEqual((current / "node_modules/.bin/left").read_text(), "#!/usr/bin/env node\n")

        self.assertEqual(machine.stop(), 0)  # what lies on disk is verified, links and directories too
        machine.start().wait_for_version("real")
        self.assertNotIn("release_unusable", machine.log())
        self.assertNotIn("added_files", machine.log())

    def test_times_are_kept_where_that_is_asked_for(self):
        machine = self.started()
        release = self.release("kept")
        like_venv(release)
        done = self.publish_with("kept", "--keep-mtimes")
        self.assertNotIn(".pyc", done.stdout)
        server = machine.state_dir / "current/server.py"
        self.assertEqual(int(server.stat().st_mtime), int((release / "server.py").stat().st_mtime))

    def publish_with(self, version, *options):
        done = self.hot(version, *options)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done

    @unittest.skipUnless(os.geteuid() == 0, "only root gives files away")
    def test_releases_belong_to_whom_they_were_given(self):
        machine = self.started(options={"--release-owner": "12345:54321"})
        like_rails(self.release("given"))
        self.publish("given")
        for name in ("config/master.key", "config/keys", "tmp/pids", "server.py", "."):
            status = (machine.state_dir / "current" / name).stat()
            self.assertEqual((status.st_uid, status.st_gid), (12345, 54321), name)


    @unittest.skipUnless(os.geteuid() == 0, "only root runs an app as somebody else")
    def test_what_the_app_cannot_read_is_named(self):
        """An app that gives up root before it reads its key."""
        machine = self.started()
        release = self.release("shy", server="#!/usr/bin/python3\nimport os\n\nos.setgroups([])\nos.setgid(4321)\n"
                               "os.setuid(4321)\nopen('config/master.key').read()\n")
        like_rails(release)
        done = self.hot("shy")
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertRegex(self.store.result(machine.name, "shy")["error"],
                         r"read .*config/keys .*config/master.key \(of 0:0\).*--release-owner")


class LinksThatLeave(FleetCase):
    def refused(self, machine, version):
        done = self.hot(version)
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertEqual(machine.version(), "base")
        return self.store.result(machine.name, version)["error"]

    def test_one_into_the_base_images_app_is_refused_by_name(self):
        machine = self.started()
        for version, target in [("direct", machine.base_dir / "release.py"), ("round", pathlib.Path("/proc/self/root") /
                                                                           str(machine.base_dir)[1:] / "release.py")]:
            (self.release(version) / "old.py").symlink_to(target)
            self.assertRegex(self.refused(machine, version), "'old.py'.*old code")

    def test_one_to_what_the_machine_does_not_have_fails_by_name(self):
        machine = self.started()
        (self.release("lost") / "python").symlink_to("/opt/python9/bin/python")
        self.assertRegex(self.refused(machine, "lost"), "'python'.*'/opt/python9/bin/python', which is not on this machine")

    def test_what_cannot_be_unpacked_is_refused_before_anything_is_published(self):
        self.started()
        for version, target, words in [("out", "../../etc/passwd", "out of the release"), ("self", "link", "in a loop"),
                                       ("nowhere", "none", "which the release does not have")]:
            (self.release(version) / "link").symlink_to(target)
            done = self.hot(version)
            self.assertEqual(done.returncode, 65, done.stdout + done.stderr)
            self.assertRegex(done.stderr, f"release-{version}/link.*{words}")
        self.assertIsNone(self.store.pointer())


class OlderSidecars(FleetCase):
    """A machine whose record tells of no features, as 44a4b95's sidecar writes it."""

    def older_machine(self, name="m-old"):
        record = {"base_image_ref": IMAGE, "booted_at": "2026-11-20T21:09:29Z", "digest": None, "fingerprint": "0" * 12,
                  "hot_ref": None, "machine_id": name, "process_group": "app", "region": "iad", "sequence": 0,
                  "sidecar_version": "0.0.9", "state": "serving", "updated_at": "2026-11-20T21:09:29Z", "version": None}
        (self.store.releases / "counter-machines").mkdir(parents=True, exist_ok=True)
        (self.store.releases / "counter-machines" / f"{name}.json").write_text(json.dumps(record))

    def linked(self, version):
        (self.release(version) / "link").symlink_to("release.py")
        return version

    def test_one_is_named_and_left_alone(self):
        machine = self.started()
        self.older_machine()
        done = self.publish(self.linked("linked"))
        self.assertRegex(done.stdout, "m-old .*not covered .*its sidecar 0.0.9 lacks what the release requires: links")
        self.assertEqual(machine.version(), "linked")
        pointer = self.store.pointer()
        self.assertIsNone(pointer["image_ref"], "an older sidecar takes it for a pointer of no base image")
        self.assertEqual(pointer["hot_upgrade"]["requires"], ["links"])
        status = self.agent.status()["m-old"]
        self.assertEqual(status["verdict"], "base_image")
        self.assertIn("lacks what the release requires: links", status["why"])

    def test_alone_it_gets_nothing_published_that_it_could_not_unpack(self):
        self.older_machine()
        done = self.hot(self.linked("linked"))
        self.assertEqual(done.returncode, 65, done.stdout + done.stderr)
        self.assertIn("m-old: its sidecar 0.0.9 lacks what the release requires: links", done.stderr)
        self.assertIsNone(self.store.pointer())

    def test_plain_releases_still_go_everywhere(self):
        self.started()
        self.older_machine()
        done = self.hot("plain", "--dry-run")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("2 machines", done.stdout)


if __name__ == "__main__":
    unittest.main()
