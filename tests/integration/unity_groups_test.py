"""cmake/unity_groups.py: files that use one name for two things are not compiled as one."""

import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

SCRIPT = pathlib.Path(os.environ["MIDAIR_SOURCE"]) / "cmake/unity_groups.py"


def private(text):
    return "namespace {\n\n" + text + "\n}  // namespace\n"


class UnityGroups(unittest.TestCase):
    def groups(self, *texts, most=12):
        """Which of the texts go together: [[0, 1], [2]]."""
        root = pathlib.Path(tempfile.mkdtemp(prefix="midair-unity-test-"))
        self.addCleanup(shutil.rmtree, root)
        for number, text in enumerate(texts):
            (root / f"{number}.cpp").write_text(text)
        output = subprocess.run(["/usr/bin/python3", "-B", SCRIPT, str(most), *root.iterdir()], check=True,
                                stdout=subprocess.PIPE, text=True).stdout
        groups = {}
        for line in output.splitlines():
            group, path = line.split()
            groups.setdefault(group, []).append(int(pathlib.Path(path).stem))
        return list(groups.values())

    def test_strangers_go_together_up_to_the_limit(self):
        self.assertEqual(self.groups("int a();\n", "int b();\n", "int c();\n", most=2), [[0, 1], [2]])

    def test_a_private_name_that_another_file_knows_keeps_them_apart(self):
        for own in ("int run(int a) {\n  return a;\n}\n", "constexpr int run = 1;\n", "class run final : public B {\n};\n",
                    "struct run {\n  int a;\n};\n", "enum class E { kA, run };\n", "using run = int;\n",
                    "constexpr const char* run[] = {\"a\"};\n", "std::vector<std::string> run(const std::string& a) {\n}\n"):
            self.assertEqual(self.groups(private(own), private("int run(char) {\n}\n")), [[0], [1]], own)
            self.assertEqual(self.groups(private(own), "void f() { run(); }\n"), [[0], [1]], own)
            self.assertEqual(self.groups(private(own), "// run\nconst char* text = \"run\";\n"), [[0, 1]], own)

    def test_names_behind_the_first_function_are_private_too(self):
        self.assertEqual(self.groups(private("int a() {\n  return 1;\n}\n\nint run() {\n}\n"), "int run;\n"), [[0], [1]])

    def test_macros_and_aliases(self):
        self.assertEqual(self.groups("#define RUN 1\n", "int RUN;\n"), [[0], [1]])
        self.assertEqual(self.groups("using namespace std;\n", "std::string a;\n"), [[0], [1]])
        self.assertEqual(self.groups("static int run() {\n}\n", "int run();\n"), [[0], [1]])

    def test_suites_that_are_registered_by_the_same_line(self):
        suite = "CPPUNIT_TEST_SUITE_NAMED_REGISTRATION({}, \"{}\");\n"
        self.assertEqual(self.groups(suite.format("A", "a"), suite.format("B", "b")), [[0], [1]])
        self.assertEqual(self.groups(suite.format("A", "a"), "\n" + suite.format("B", "b")), [[0, 1]])


if __name__ == "__main__":
    unittest.main()
