/// @file
/// Whose code a process runs: the release's that was meant, or the base image's.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "process/app_directory.h"

namespace midair::sidecar {

/// What the kernel tells of the code of one process. What can't be read, or isn't there, is empty.
struct ProcessCode {
  pid_t pid = 0;
  pid_t parent = 0;
  std::filesystem::path executable{};
  std::filesystem::path script{};     ///< the first file that its command line names after the program
  std::filesystem::path directory{};  ///< in which it works
  bool waits = false;                 ///< for a process that it has started, as wrappers do
};

/// Where the two codes lie.
struct CodePlaces {
  AppDirectory base;
  AppDirectory release;
  /// Whether a file was installed there as a package (`venv/bin/gunicorn`): then it is nobody's code, as if it lay in
  /// /usr.
  std::function<bool(const std::filesystem::path&)> is_packaged = [](const auto&) { return false; };
};

/// Whose code runs, and what shows it.
struct CodeVerdict {
  enum class Origin { of_release, of_base, unknown };
  Origin origin = Origin::unknown;
  pid_t pid = 0;                 ///< of the process that shows it; 0: none does
  std::filesystem::path path{};  ///< its script, executable or directory. Of `unknown`: what speaks for the base image
};

/// The verdict on one process. Script and executable decide: that it works in the release proves nothing against them,
/// as it was started there. Where they lie on different sides, neither is believed. If both lie elsewhere
/// (`/usr/bin/python3 -m app`), the working directory decides.
[[nodiscard]] CodeVerdict judge(const ProcessCode& process, const CodePlaces& places);

/// The verdict on an app. `listening` decide if there are any; of those the ones that have started no other of them, if
/// script or executable show it. A script or executable of the release proves it; else any sign of the base image is
/// believed, then a working directory. Those that wait for others, as wrappers do, prove nothing against the others.
[[nodiscard]] CodeVerdict judge(const std::vector<ProcessCode>& processes, const std::set<pid_t>& listening,
                                const CodePlaces& places);

/// The first of `words` after the program, or of what stands there after a '=', that names a file, absolute;
/// `directory` is where relative ones begin. Empty: none. Options are no files.
[[nodiscard]] std::filesystem::path script_among(const std::vector<std::string>& words,
                                                 const std::filesystem::path& directory,
                                                 const std::function<bool(const std::filesystem::path&)>& is_file);

/// Whether the file belongs to a package: it lies in a directory in which nothing else is kept (`node_modules`,
/// `vendor`, `site-packages`, `gems`), or in a virtual environment.
[[nodiscard]] bool lies_in_packages(const std::filesystem::path& file);

/// Reads /proc/PID/{exe,cmdline,cwd,syscall}; links are followed. Nothing if there is no such process. What is another
/// user's stays unknown.
[[nodiscard]] std::optional<ProcessCode> code_of(pid_t pid);

/// The verdict on the living processes `pids`.
[[nodiscard]] CodeVerdict running_code(const std::vector<pid_t>& pids, const std::filesystem::path& base_dir,
                                       const std::filesystem::path& release_dir);

}  // namespace midair::sidecar
