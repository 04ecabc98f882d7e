"""Where settings come from, through `midair config show`."""

import json
import os
import unittest

from agent import AgentTest


class Config(AgentTest):
    def shown(self, *args):
        result = self.midair("config", "show", "--json", *args)
        self.assertEqual((0, ""), (result.returncode, result.stderr))
        return {entry["key"]: entry for entry in map(json.loads, result.stdout.splitlines())}

    def expect_config_error(self, *sentences):
        result = self.midair("config", "show")
        self.assertEqual((78, ""), (result.returncode, result.stdout))
        for sentence in sentences:
            self.assertIn(sentence, result.stderr)

    def test_each_value_is_traced_to_its_layer(self):
        self.write("midair.yaml", "# ours\nstore: file:///from-yaml\nca_file: yaml.pem\n")
        self.write("fly.toml", 'app = "from-toml"\n\n[env]\nAWS_REGION = "fra"\nAWS_ACCESS_KEY_ID = "key"\n')
        self.env.update(AWS_REGION="ams", AWS_SECRET_ACCESS_KEY="hunter2", MIDAIR_CA_FILE="env.pem")
        shown = self.shown("--store", "s3://from-line")
        for key, value, origin in (
                ("store", "s3://from-line", "command line"),
                ("region", "ams", "environment AWS_REGION"),
                ("ca_file", "env.pem", "environment MIDAIR_CA_FILE"),
                ("app", "from-toml", "fly.toml:1 app"),
                ("access_key_id", "key", "fly.toml:5 [env] AWS_ACCESS_KEY_ID"),
                ("endpoint", "https://t3.storage.dev", "default"),
                ("secret_access_key", "***", "environment AWS_SECRET_ACCESS_KEY"),
                ("session_token", None, "unset")):
            with self.subTest(key):
                self.assertEqual((value, origin), (shown[key]["value"], shown[key]["origin"]))
        self.assertEqual("midair.yaml:2", self.shown()["store"]["origin"])
        self.assertNotIn("hunter2", self.midair("config", "show").stdout)

    def test_a_password_in_an_address_is_shown_nowhere(self):
        self.env.update(AWS_ENDPOINT_URL_S3="https://me:hunter2@host", MIDAIR_STORE="s3://me:hunter2@bucket")
        self.assertEqual("https://me:***@host", self.shown()["endpoint"]["value"])
        for args in (("config", "show"), ("config", "show", "--json"), ("status", "--app", "a")):
            result = self.midair(*args)
            self.assertNotIn("hunter2", result.stdout + result.stderr)
        self.env["MIDAIR_STORE"] = "s3://bucket"
        result = self.midair("status", "--app", "a")
        self.assertNotIn("hunter2", result.stdout + result.stderr)

    def test_config_names_a_yaml_or_a_toml_file(self):
        self.write("midair.yaml", "app: ours\n")
        self.write("other.yaml", "app: other\n")
        self.write("fly.prod.toml", 'app = "prod"\n[env]\nBUCKET_NAME = "bucket"\n')
        self.assertEqual("other.yaml:1", self.shown("--config", "other.yaml")["app"]["origin"])
        shown = self.shown("--config", "fly.prod.toml")
        self.assertEqual("ours", shown["app"]["value"])
        self.assertEqual(("s3://bucket", "fly.prod.toml:3 [env] BUCKET_NAME"),
                         (shown["store"]["value"], shown["store"]["origin"]))
        self.env["MIDAIR_CONFIG"] = "other.yaml"
        self.assertEqual("other", self.shown()["app"]["value"])
        result = self.midair("--config", "missing.yaml", "config", "show")
        self.assertEqual(78, result.returncode)
        self.assertIn("missing.yaml", result.stderr)

    def test_mistakes_in_files_and_environment_name_their_place(self):
        self.write("midair.yaml", "app: a\nreigon: fra\npath_style: maybe\nsecret_access_key: hunter2\n")
        self.env["MIDAIR_LOG_LEVEL"] = "loud"
        self.expect_config_error("midair: cannot use midair.yaml:2: there is no setting 'reigon'\nTry: region\n",
                                 "midair: cannot use midair.yaml:3: setting 'path_style': 'maybe' is neither",
                                 "midair: cannot use midair.yaml:4: 'secret_access_key' is a secret",
                                 "midair: cannot use environment MIDAIR_LOG_LEVEL: setting 'log_level'")
        self.assertNotIn("hunter2", self.midair("config", "show").stderr)
        for harmless in (["plugins"], ["help"], ["completion", "bash"], ["--version"]):
            self.assertEqual(0, self.midair(*harmless).returncode, harmless)

    def test_broken_files_name_their_line(self):
        self.write("midair.yaml", "app: a\nstore: [\n")
        self.expect_config_error("midair.yaml:3: it is no YAML")
        self.write("midair.yaml", "")
        self.write("fly.toml", "app = 'a'\n[env\n")
        self.expect_config_error("fly.toml:2: it is no TOML")

    def test_what_is_no_file_is_a_sentence(self):
        for name in ("midair.yaml", "fly.toml"):
            with self.subTest(name):
                os.mkfifo(self.cwd / name)
                self.expect_config_error(f"cannot read {name}: it is a fifo, no file")
                (self.cwd / name).unlink()
        (self.cwd / "fly.toml").mkdir()
        self.expect_config_error("cannot read fly.toml: it is a directory, no file")

    def test_fly_json_and_fly_yaml_are_read_where_there_is_no_fly_toml(self):
        self.write("fly.yaml", "app: from-yaml\nenv:\n  AWS_REGION: fra\n")
        self.assertEqual("fly.yaml:3 [env] AWS_REGION", self.shown()["region"]["origin"])
        self.write("fly.json", '{"app": "from-json", "env": {"AWS_REGION": ""}}')
        self.assertEqual(("from-json", "auto"), tuple(self.shown()[key]["value"] for key in ("app", "region")))
        self.write("fly.toml", "app = 'from-toml'\n")
        self.assertEqual("from-toml", self.shown()["app"]["value"])
        self.assertEqual("from-yaml", self.shown("--config", "fly.yaml")["app"]["value"])

    def test_what_flyctl_takes_does_not_stop_midair(self):
        self.write("fly.toml", "app = 'web'\nPS1 = \"\\e[32m\"\n[[env]]\nSINCE = 2026-01-01\nHOSTS = ['a', 'b']\n"
                               "[[env]]\nAWS_REGION = 'fra'\nBUCKET_NAME = ''\n")
        shown = self.shown()
        self.assertEqual(("web", "fra", None), tuple(shown[key]["value"] for key in ("app", "region", "store")))

    def test_settings_of_plugins_are_part_of_it(self):
        self.use_plugins("good")
        self.write("midair.yaml", "good:\n  greeting: welcome\n  patience: 90s\n")
        self.assertEqual("midair.yaml:2", self.shown()["good.greeting"]["origin"])
        self.assertEqual("welcome\n", self.midair("greet").stdout)
        self.assertEqual("hi\n", self.midair("greet", "--greeting", "hi").stdout)
        self.env["GOOD_GREETING"] = "good day"
        self.assertEqual("good day\n", self.midair("greet").stdout)
        self.env["GOOD_PATIENCE"] = "long"
        self.expect_config_error("environment GOOD_PATIENCE: setting 'good.patience': 'long' is no duration")


if __name__ == "__main__":
    unittest.main()
