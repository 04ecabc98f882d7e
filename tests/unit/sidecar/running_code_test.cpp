#include "process/running_code.h"

#include <cppunit/extensions/HelperMacros.h>

#include <chrono>
#include <fstream>

#include "script.h"
#include "temp_dir.h"

namespace midair::sidecar {
namespace fs = std::filesystem;

namespace {

using Origin = CodeVerdict::Origin;

/// None of these is on the disk.
constexpr const char* kBase = "/no/app";
constexpr const char* kRelease = "/no/app/.midair/releases/1";
constexpr const char* kPython = "/usr/bin/python3.11";
const std::string kInBase = std::string(kBase) + "/x";
const std::string kPackaged = std::string(kBase) + "/venv/bin/x";
const std::string kInRelease = std::string(kRelease) + "/x";

const char* name_of(Origin origin) {
  switch (origin) {
    case Origin::of_release: return "of_release";
    case Origin::of_base: return "of_base";
    case Origin::unknown: return "unknown";
  }
  return "";
}

CodePlaces places() {
  return {AppDirectory(kBase), AppDirectory(kRelease), [](const fs::path& path) { return path == kPackaged; }};
}

}  // namespace

class RunningCodeTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(RunningCodeTest);
  CPPUNIT_TEST(script_and_executable_decide);
  CPPUNIT_TEST(the_script_is_the_first_file_that_is_named);
  CPPUNIT_TEST(of_several_processes_those_that_listen_decide);
  CPPUNIT_TEST(a_root_base_directory_convicts_nobody);
  CPPUNIT_TEST(packages_are_known);
  CPPUNIT_TEST(a_process_is_read);
  CPPUNIT_TEST(who_waits_is_known);
  CPPUNIT_TEST(a_process_that_goes_back_is_found_out);
  CPPUNIT_TEST(nobody_is_unknown);
  CPPUNIT_TEST_SUITE_END();

  static void assert_verdict(Origin origin, const std::string& path, const CodeVerdict& verdict,
                             const std::string& what) {
    CPPUNIT_ASSERT_EQUAL_MESSAGE(what, std::string(name_of(origin)), std::string(name_of(verdict.origin)));
    CPPUNIT_ASSERT_EQUAL_MESSAGE(what, path, verdict.path.string());
  }

  void script_and_executable_decide() {
    struct Row {
      std::string executable, script, directory;
      Origin origin;
      std::string path;
    };
    const std::vector<Row> rows{
        {kInRelease, "", kRelease, Origin::of_release, kInRelease},
        {kPython, kInRelease, kRelease, Origin::of_release, kInRelease},
        {kPython, kInRelease, "/tmp", Origin::of_release, kInRelease},
        {kPython, kInRelease, kBase, Origin::of_release, kInRelease},
        {kPython, "", kRelease, Origin::of_release, kRelease},
        {kPython, "/usr/bin/gunicorn", kRelease, Origin::of_release, kRelease},
        {kInBase, "", kRelease, Origin::of_base, kInBase},
        {kInBase + " (deleted)", "", kRelease, Origin::of_base, kInBase + " (deleted)"},
        {kInBase, "/etc/server.conf", "/", Origin::of_base, kInBase},
        {kPython, kInBase, kBase, Origin::of_base, kInBase},
        {kPython, kInBase, "/tmp", Origin::of_base, kInBase},
        {kPython, "", kBase, Origin::of_base, kBase},
        {kPython, kInBase, kRelease, Origin::of_base, kInBase},
        {kPython, kPackaged, kRelease, Origin::of_release, kRelease},  // venv/bin/gunicorn
        {kPython, kPackaged, kBase, Origin::of_base, kBase},
        {kPackaged, kInRelease, kRelease, Origin::of_release, kInRelease},  // venv/bin/python server.py
        {kInBase, kInRelease, kRelease, Origin::unknown, kInBase},  // the image's interpreter, or a configuration
        {kInRelease, kInBase, kRelease, Origin::unknown, kInBase},
        {kPython, "", "/tmp", Origin::unknown, ""},
        {kPython, "/opt/server.py", "/", Origin::unknown, ""},
        {"", "", "", Origin::unknown, ""},
        {kPython, "", std::string(kBase) + "lication", Origin::unknown, ""},
    };
    for (const Row& row : rows)
      assert_verdict(row.origin, row.path, judge({1, 0, row.executable, row.script, row.directory}, places()),
                     row.executable + " " + row.script + " in " + row.directory);
  }

  void the_script_is_the_first_file_that_is_named() {
    const std::set<std::string> files{"/app/server.py", "/app/lib/x.py", "/etc/conf", "/app/-m"};
    const auto is_file = [&files](const fs::path& path) { return files.contains(path.string()); };
    struct Row {
      std::vector<std::string> words;
      std::string script;
    };
    const std::vector<Row> rows{
        {{"python3", "server.py"}, "/app/server.py"},
        {{"python3", "-u", "./lib//x.py", "server.py"}, "/app/lib/x.py"},
        {{"python3", "/app/lib/../server.py"}, "/app/server.py"},
        {{"uwsgi", "--wsgi-file=/app/server.py"}, "/app/server.py"},
        {{"uwsgi", "ini=lib/x.py"}, "/app/lib/x.py"},
        {{"python3", "-m", "http.server"}, ""},
        {{"server", "--port", "80", "/etc/conf"}, "/etc/conf"},
        {{"/app/server.py"}, ""},
        {{"python3", "", "=", "a=", "."}, ""},
        {{}, ""},
    };
    for (const Row& row : rows) {
      const std::string what = row.words.empty() ? "nothing" : row.words.back();
      CPPUNIT_ASSERT_EQUAL_MESSAGE(what, row.script, script_among(row.words, "/app", is_file).string());
    }
    CPPUNIT_ASSERT_MESSAGE("relative to nowhere", script_among({"python3", "server.py"}, "", is_file).empty());
  }

  void of_several_processes_those_that_listen_decide() {
    const ProcessCode fresh{1, 0, kInRelease, "", kRelease};
    const ProcessCode stale{2, 0, kInBase, "", kRelease};
    const ProcessCode shell{3, 0, "/bin/dash", "", kRelease};
    const ProcessCode launcher{4, 0, kPython, kInBase, kRelease};
    const ProcessCode stranger{5, 0, kPython, "", "/"};
    const ProcessCode helper{6, 1, "/bin/sleep", "", kBase};
    const ProcessCode went_back{7, 8, kPython, "", kBase};
    const ProcessCode wrapper{8, 0, "/bin/dash", kInRelease, kRelease, true};
    const auto started_by = [](ProcessCode process, pid_t parent) {
      process.parent = parent;
      return process;
    };
    struct Row {
      const char* what;
      std::vector<ProcessCode> processes;
      std::set<pid_t> listening;
      Origin origin;
      pid_t pid;
    };
    const std::vector<Row> rows{
        {"the release's own wins", {stale, fresh}, {}, Origin::of_release, 1},
        {"who listens decides", {stale, fresh}, {2}, Origin::of_base, 2},
        {"who listens decides for the release", {stale, fresh}, {1}, Origin::of_release, 1},
        {"a shell that waits is no proof", {shell, stale}, {}, Origin::of_base, 2},
        {"a script of the base image in the release's directory", {shell, launcher}, {}, Origin::of_base, 4},
        {"a working directory, if nothing else speaks", {stranger, shell}, {}, Origin::of_release, 3},
        {"a wrapper of the release that starts old code", {fresh, started_by(stale, 1)}, {1, 2}, Origin::of_base, 2},
        {"a helper that doesn't listen", {fresh, started_by(stale, 1)}, {1}, Origin::of_release, 1},
        {"a helper that inherited the socket", {fresh, helper}, {1, 6}, Origin::of_release, 1},
        {"workers of whom nothing is known", {fresh, started_by(stranger, 1)}, {1, 5}, Origin::of_release, 1},
        {"a wrapper of the release that goes back", {wrapper, went_back}, {7}, Origin::of_base, 7},
        {"the same, and the wrapper has the socket too", {wrapper, went_back}, {7, 8}, Origin::of_base, 7},
        {"the same, and nobody listens", {wrapper, went_back}, {}, Origin::unknown, 7},
        {"the same, and its script shows it", {wrapper, started_by(launcher, 8)}, {}, Origin::of_base, 4},
        {"a wrapper of whose child nothing is known", {wrapper, started_by(stranger, 8)}, {}, Origin::of_release, 8},
        {"nobody", {}, {}, Origin::unknown, 0},
    };
    for (const Row& row : rows) {
      const CodeVerdict verdict = judge(row.processes, row.listening, places());
      CPPUNIT_ASSERT_EQUAL_MESSAGE(row.what, std::string(name_of(row.origin)), std::string(name_of(verdict.origin)));
      CPPUNIT_ASSERT_EQUAL_MESSAGE(row.what, row.pid, verdict.pid);
    }
  }

  void a_root_base_directory_convicts_nobody() {
    for (const char* base : {"/", ""}) {
      const CodePlaces anywhere{AppDirectory(base), AppDirectory(kRelease)};
      assert_verdict(Origin::of_release, kRelease, judge({1, 0, kPython, "", kRelease}, anywhere), base);
      assert_verdict(Origin::unknown, "", judge({1, 0, kPython, "/app/x.py", "/app"}, anywhere), base);
    }
  }

  /// A release and a base image with a script each that says that it runs, and then waits for its input to end.
  struct World {
    TempDir root;
    fs::path base = fs::canonical(root.path()) / "base";
    fs::path release = fs::canonical(root.path()) / "release";
    Pipe told;

    World() {
      for (const fs::path& place : {base, release}) {
        fs::create_directory(place);
        std::ofstream(place / "server.sh") << "echo up >&3; while :; do sleep 1000; done\n";
      }
    }

    [[nodiscard]] Child run(std::vector<std::string> command) const {
      Child child = value_of(Child::spawn({std::move(command), release, {}, {{"told", told.write_end.get()}}}));
      char byte = 0;
      while (::read(told.read_end.get(), &byte, 1) == 1 && byte != '\n') {
      }
      return child;
    }
  };

  void a_process_is_read() {
    const World world;
    const Child child = world.run({"/bin/sh", "server.sh"});
    const auto code = code_of(child.pid());
    CPPUNIT_ASSERT(code.has_value());
    CPPUNIT_ASSERT_EQUAL(child.tree().root.pid, code->parent);
    CPPUNIT_ASSERT_EQUAL(fs::canonical("/bin/sh"), code->executable);
    CPPUNIT_ASSERT_EQUAL(world.release / "server.sh", code->script);
    CPPUNIT_ASSERT_EQUAL(world.release, code->directory);
    assert_verdict(Origin::of_release, world.release / "server.sh",
                   running_code(child.processes(), world.base, world.release), "");
  }

  void packages_are_known() {
    const TempDir root;
    fs::create_directories(root / "venv/bin");
    std::ofstream(root / "venv/pyvenv.cfg") << "";
    for (const char* file :
         {"venv/bin/gunicorn", "node_modules/next/dist/bin/next", "vendor/bundle/ruby/3.1.0/bin/puma"})
      CPPUNIT_ASSERT_MESSAGE(file, lies_in_packages(root / file));
    for (const char* file : {"server.py", "bin/venv", "node_modules"})
      CPPUNIT_ASSERT_MESSAGE(file, !lies_in_packages(root / file));
    CPPUNIT_ASSERT(!lies_in_packages(""));
  }

  void who_waits_is_known() {
    const World world;
    const Child child = world.run({"/bin/sh", "-c", "cd '" + world.base.string() + "'; sh server.sh; true"});
    // Its shell waits, and so does the one that runs the script: for `sleep`.
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (!code_of(child.pid())->waits) CPPUNIT_ASSERT(std::chrono::steady_clock::now() < deadline);
    CPPUNIT_ASSERT(!code_of(::getpid())->waits);
  }

  void a_process_that_goes_back_is_found_out() {
    const World world;
    const fs::path link = world.root / "link";
    fs::create_directory_symlink(world.base, link);
    const Child child = world.run({"/bin/sh", "-c", "cd '" + link.string() + "' && exec sh server.sh"});
    for (const fs::path& base : {world.base, link})
      assert_verdict(Origin::of_base, world.base / "server.sh", running_code(child.processes(), base, world.release),
                     base);
  }

  void nobody_is_unknown() {
    CPPUNIT_ASSERT(!code_of(0).has_value());
    CPPUNIT_ASSERT(!code_of(1 << 30).has_value());
    assert_verdict(Origin::unknown, "", running_code({1 << 30}, kBase, kRelease), "");
  }
};

CPPUNIT_TEST_SUITE_NAMED_REGISTRATION(RunningCodeTest, "running_code");

}  // namespace midair::sidecar
