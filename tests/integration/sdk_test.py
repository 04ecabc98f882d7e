"""`make install` of the SDK alone, and apps and modules that are built outside of the tree against what lies there."""

import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import unittest
import urllib.request

BUILD = pathlib.Path(os.environ["MIDAIR_BUILD"])
SOURCE = pathlib.Path(os.environ["MIDAIR_SOURCE"])

APP = r"""
#include <midair/app.h>
#include <stdio.h>

int main(int argc, char** argv) {
  struct midair_error error;
  const struct midair_app_options options = {.modules_dir = argc > 1 ? argv[1] : NULL};
  if (midair_app_start(&options, &error) != MIDAIR_OK) return fprintf(stderr, "%s\n", error.text), 1;
  const struct midair_call* const answer = midair_bind("answer", "get");
  if (!midair_enter()) return 2;
  printf("%d\n", ((int (*)(void*))answer->function)(answer->state));
  midair_leave();
  midair_app_stop();
  return 0;
}
"""

MODULE = r"""
#include <midair/module.h>

static int start(void** state, struct midair_error* error) { static int answer = 42; (void)error; *state = &answer; return 0; }
static void stop(void* state) { (void)state; }
static int get(void* state) { return *(int*)state; }
static const struct midair_function calls[] = {{"get", (void (*)(void))get}, {NULL, NULL}};
const struct midair_module midair_module_table = {
    .abi = MIDAIR_MODULE_ABI, .name = "answer", .version = "1", .calls = calls, .start = start, .stop = stop};
"""


def run(*command, **options):
    done = subprocess.run([str(word) for word in command], text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          timeout=120, **options)
    if done.returncode != 0:
        raise AssertionError(f"{command} ended with {done.returncode}:\n{done.stdout}")
    return done.stdout


class Sdk(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.work = pathlib.Path(tempfile.mkdtemp(prefix="midair-sdk-test-"))
        cls.addClassCleanup(shutil.rmtree, cls.work)
        staged = cls.work / "staged"
        for component in ("appruntime", "sdk"):
            run("cmake", "--install", BUILD, "--prefix", staged, "--component", component)
        cls.prefix = cls.work / "elsewhere"  # everything is found relative to itself
        staged.rename(cls.prefix)

    def test_the_example_is_built_by_cmake_and_serves(self):
        source, build = self.work / "hits", self.work / "hits-build"
        shutil.copytree(self.prefix / "share/doc/libmidair-app-dev/examples/hits", source)
        run("cmake", "-S", source, "-B", build, "-G", "Ninja", f"-DCMAKE_PREFIX_PATH={self.prefix}")
        run("cmake", "--build", build)
        run(self.prefix / "bin/midair-module-check", *build.glob("releases/*/modules/*.so"))
        # The port is passed on as a listening socket, as the sidecar would: nobody can take it meanwhile.
        listener = socket.create_server(("127.0.0.1", 0))
        port = listener.getsockname()[1]
        server = subprocess.Popen(["./server"], cwd=build / "releases/v1", pass_fds=(3,),
                                  env={"LISTEN_FDS": "1", "PATH": os.environ["PATH"]},
                                  preexec_fn=lambda: os.dup2(listener.fileno(), 3))
        self.addCleanup(listener.close)
        self.addCleanup(server.wait)
        self.addCleanup(server.kill)
        for visits in range(1, 51):  # enough for its workers to get in each other's way
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/page", timeout=60) as answer:
                self.assertEqual(f"/page: {visits} visits\n", answer.read().decode())
        server.send_signal(signal.SIGTERM)
        self.assertEqual(0, server.wait(60))

    def test_an_app_is_built_by_pkg_config_with_either_library(self):
        (self.work / "app.c").write_text(APP)
        (self.work / "answer.c").write_text(MODULE)
        modules = self.work / "modules"
        modules.mkdir()
        env = {**os.environ, "PKG_CONFIG_PATH": str(self.prefix / "share/pkgconfig")}
        flags = run("pkg-config", "--cflags", "midair-app", env=env).split()
        strict = ["-std=c11", "-Wall", "-Wextra", "-Wpedantic", "-Werror"]
        run("gcc", *strict, *flags, "-shared", "-fPIC", "-fvisibility=hidden", "-Wl,--build-id", "-Wl,-z,defs",
            "-o", modules / "answer.so", self.work / "answer.c")
        shared = run("pkg-config", "--libs", "midair-app", env=env).split()
        run("gcc", *strict, *flags, "-o", self.work / "shared", self.work / "app.c", *shared)
        run("gcc", *strict, *flags, "-o", self.work / "static", self.work / "app.c", self.prefix / "lib/libmidair-app.a",
            "-pthread")
        self.assertIn("midair-app", run("ldd", self.work / "shared", env={"LD_LIBRARY_PATH": str(self.prefix / "lib"),
                                                                          "PATH": os.environ["PATH"]}))
        self.assertNotIn("midair", run("ldd", self.work / "static"))
        for kind in ("shared", "static"):
            self.assertEqual("42\n", run(self.work / kind, modules,
                                         env={"LD_LIBRARY_PATH": str(self.prefix / "lib")}))

    def test_the_headers_are_c11_and_cpp20(self):
        for header in (self.prefix / "include/midair").iterdir():
            with self.subTest(header.name):
                if header.suffix == ".h":
                    run("gcc", "-std=c11", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-fsyntax-only", "-x", "c",
                        f"-I{self.prefix}/include", "-include", header, "/dev/null")
                run("g++", "-std=c++20", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-fsyntax-only", "-x", "c++",
                    f"-I{self.prefix}/include", "-include", header, "/dev/null")

    def test_the_library_exports_what_its_headers_declare(self):
        text = "".join((self.prefix / "include/midair" / name).read_text() for name in ("app.h", "gate.h"))
        symbols = run("nm", "--dynamic", "--defined-only", self.prefix / "lib/libmidair-app.so").splitlines()
        names = {line.split()[-1] for line in symbols}
        self.assertLessEqual({"midair_app_start", "midair_enter", "midair_leave", "midair_bind"}, names)
        self.assertEqual([], [name for name in names if not re.search(rf"\b{name}\b", text)])

    def test_the_library_needs_nothing_but_libc(self):
        needed = run("readelf", "-d", self.prefix / "lib/libmidair-app.so")
        self.assertEqual(["libc.so.6"], [line.split("[")[1].rstrip("]") for line in needed.splitlines()
                                         if "NEEDED" in line and "ld-linux" not in line])


if __name__ == "__main__":
    unittest.main()
