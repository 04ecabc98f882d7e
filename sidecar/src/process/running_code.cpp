#include "process/running_code.h"

#include <sys/syscall.h>

#include <algorithm>
#include <array>

#include "loop/process_table.h"
#include "midair/durable_file.h"
#include "process/listening.h"

namespace midair::sidecar {
namespace fs = std::filesystem;

namespace {

using Origin = CodeVerdict::Origin;

bool in_release(const fs::path& path, const CodePlaces& places) { return places.release.inside(path).has_value(); }

/// A state directory may lie in the base directory, and the releases with it.
bool in_base(const fs::path& path, const CodePlaces& places) {
  return places.base.inside(path) && !in_release(path, places) && !places.is_packaged(path);
}

/// True if script or executable show it, and not just where the process works.
bool shown_by_code(const CodeVerdict& verdict, const std::vector<ProcessCode>& processes) {
  const auto process = std::ranges::find(processes, verdict.pid, &ProcessCode::pid);
  return process != processes.end() && verdict.path != process->directory;
}

/// How much a verdict counts beside those on other processes of the app.
int weight(const CodeVerdict& verdict, const std::vector<ProcessCode>& processes) {
  switch (verdict.origin) {
    case Origin::of_release: return shown_by_code(verdict, processes) ? 4 : 1;
    case Origin::of_base: return 3;
    case Origin::unknown: return verdict.pid == 0 ? 0 : 2;
  }
  return 0;
}

CodeVerdict weightiest(const std::vector<ProcessCode>& processes, const CodePlaces& places) {
  CodeVerdict found;
  for (const ProcessCode& process : processes)
    if (CodeVerdict verdict = judge(process, places); weight(verdict, processes) > weight(found, processes))
      found = std::move(verdict);
  return found;
}

/// Those that have started no other of them.
std::vector<ProcessCode> leaves_of(const std::vector<ProcessCode>& processes) {
  std::vector<ProcessCode> leaves;
  for (const ProcessCode& process : processes)
    if (std::ranges::find(processes, process.pid, &ProcessCode::parent) == processes.end()) leaves.push_back(process);
  return leaves;
}

CodeVerdict verdict_on(const std::vector<ProcessCode>& processes, bool they_listen, const CodePlaces& places) {
  if (!they_listen) return weightiest(processes, places);
  const CodeVerdict verdict = weightiest(leaves_of(processes), places);
  return shown_by_code(verdict, processes) ? verdict : weightiest(processes, places);
}

/// Whether its main thread is in wait4(2) or waitid(2).
bool waits(const std::string& proc) {
  constexpr std::uint64_t kMaxBytes = 1024;
  const auto text = read_file(proc + "/syscall", kMaxBytes);
  if (!text) return false;
  const std::string number = text->substr(0, text->find(' '));
  return number == std::to_string(SYS_wait4) || number == std::to_string(SYS_waitid);
}

std::vector<std::string> command_line_of(const std::string& proc) {
  constexpr std::uint64_t kMaxBytes = 256 * 1024;
  const auto text = read_file(proc + "/cmdline", kMaxBytes);
  std::vector<std::string> words;
  if (!text) return words;
  for (std::size_t start = 0; start < text->size();) {
    const std::size_t end = std::min(text->find('\0', start), text->size());
    words.push_back(text->substr(start, end - start));
    start = end + 1;
  }
  return words;
}

fs::path target_of(const std::string& link) {
  std::error_code unreadable;
  return fs::read_symlink(link, unreadable);
}

}  // namespace

CodeVerdict judge(const ProcessCode& process, const CodePlaces& places) {
  const fs::path* fresh = nullptr;  // speaks for the release
  const fs::path* stale = nullptr;  // speaks for the base image
  for (const fs::path* path : {&process.executable, &process.script}) {
    if (in_release(*path, places)) fresh = path;
    if (in_base(*path, places)) stale = path;
  }
  if (fresh != nullptr && stale == nullptr) return {Origin::of_release, process.pid, *fresh};
  if (stale != nullptr && fresh != nullptr) return {Origin::unknown, process.pid, *stale};
  if (stale != nullptr) return {Origin::of_base, process.pid, *stale};
  if (in_release(process.directory, places)) return {Origin::of_release, process.pid, process.directory};
  if (in_base(process.directory, places)) return {Origin::of_base, process.pid, process.directory};
  return {};
}

CodeVerdict judge(const std::vector<ProcessCode>& processes, const std::set<pid_t>& listening,
                  const CodePlaces& places) {
  std::vector<ProcessCode> deciding;
  for (const ProcessCode& process : processes)
    if (listening.contains(process.pid)) deciding.push_back(process);
  const bool they_listen = !deciding.empty();
  if (!they_listen) deciding = processes;
  auto working = deciding;
  std::erase_if(working, &ProcessCode::waits);
  CodeVerdict of_all = verdict_on(deciding, they_listen, places);
  CodeVerdict verdict = verdict_on(working, they_listen, places);
  if (verdict.pid == 0 || verdict.origin == of_all.origin) return of_all;
  // Where nobody listens, what works elsewhere may be a helper of a script that loops.
  if (!they_listen && !shown_by_code(verdict, processes)) return {Origin::unknown, verdict.pid, verdict.path};
  return verdict;
}

fs::path script_among(const std::vector<std::string>& words, const fs::path& directory,
                      const std::function<bool(const fs::path&)>& is_file) {
  constexpr std::size_t kMostWords = 64;  // each may cost a look at the disk
  for (std::size_t i = 1; i < std::min(words.size(), kMostWords); ++i) {
    const std::string& word = words[i];
    const std::array<std::string, 2> names{word.starts_with('-') ? "" : word,
                                           word.substr(std::min(word.find('='), word.size() - 1) + 1)};
    for (const std::string& name : names) {
      fs::path path = (directory / name).lexically_normal();
      if (!name.empty() && path.is_absolute() && is_file(path)) return path;
    }
  }
  return {};
}

bool lies_in_packages(const fs::path& file) {
  constexpr std::array kNames{"node_modules", "vendor", "site-packages", "dist-packages", "gems"};
  constexpr std::array kMarks{"pyvenv.cfg", "conda-meta"};
  const auto is_of_packages = [&](const fs::path& directory) {
    std::error_code missing;
    return std::ranges::find(kNames, directory.filename()) != kNames.end() ||
           std::ranges::any_of(kMarks, [&](const char* mark) { return fs::exists(directory / mark, missing); });
  };
  for (fs::path directory = file.parent_path(); directory.has_relative_path(); directory = directory.parent_path())
    if (is_of_packages(directory)) return true;
  return false;
}

std::optional<ProcessCode> code_of(pid_t pid) {
  const auto stat = process_stat(pid);
  if (!stat) return std::nullopt;
  const std::string proc = "/proc/" + std::to_string(pid);
  ProcessCode code{pid, stat->parent, target_of(proc + "/exe"), {}, target_of(proc + "/cwd")};
  std::error_code unreadable;
  const fs::path script = script_among(command_line_of(proc), code.directory, [](const fs::path& path) {
    std::error_code missing;
    return fs::is_regular_file(path, missing);
  });
  code.script = fs::canonical(script, unreadable);
  code.waits = waits(proc);
  return code;
}

CodeVerdict running_code(const std::vector<pid_t>& pids, const fs::path& base_dir, const fs::path& release_dir) {
  std::vector<ProcessCode> processes;
  for (const pid_t pid : pids)
    if (auto code = code_of(pid)) processes.push_back(*std::move(code));
  std::set<pid_t> listening;
  for (const Listener& listener : listeners_among(pids)) listening.insert(listener.pid);
  return judge(processes, listening, {AppDirectory(base_dir), AppDirectory(release_dir), lies_in_packages});
}

}  // namespace midair::sidecar
