#include "process/leftovers.h"

#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "loop/process_table.h"
#include "midair/clock.h"
#include "midair/durable_file.h"
#include "midair/fd.h"

namespace midair::sidecar {
namespace fs = std::filesystem;

namespace {

constexpr std::string_view kNoMarker = "-";

/// A generation as it is written down, one a line: "<boot id> <pid> <start ticks>" of the main process, and then
/// "<pid> <start ticks> <marker>" of the subreaper. Pids and ticks repeat after a reboot, which a state directory on a
/// volume survives.
struct Record {
  std::string boot_id;
  ProcessTree tree;
};

std::ostream& operator<<(std::ostream& out, const Record& record) {
  const auto& [root, leader, marker] = record.tree;
  return out << record.boot_id << ' ' << leader.pid << ' ' << leader.start_ticks << ' ' << root.pid << ' '
             << root.start_ticks << ' ' << (marker.empty() ? kNoMarker : marker) << '\n';
}

/// False if the line is none.
bool parse(const std::string& line, Record& record) {
  auto& [root, leader, marker] = record.tree;
  std::istringstream fields(line);
  if (!(fields >> record.boot_id >> leader.pid >> leader.start_ticks) || leader.pid <= 1) return false;
  if ((fields >> std::ws).eof()) return true;  // of version 0.1
  if (!(fields >> root.pid >> root.start_ticks >> marker) || root.pid <= 1) return false;
  if (marker == kNoMarker) marker.clear();
  return true;
}

Result<std::string> current_boot_id() {
  MIDAIR_TRY_ASSIGN(std::string id, read_file("/proc/sys/kernel/random/boot_id", 64));
  id.erase(id.find_last_not_of('\n') + 1);
  return id;
}

Result<std::vector<Record>> read_records(const fs::path& path) {
  constexpr std::uint64_t kMaxBytes = 1 << 20;
  auto text = read_file(path, kMaxBytes);
  if (!text && text.error().code == Errc::not_found) return std::vector<Record>{};
  if (!text) return std::move(text).error();
  std::vector<Record> records;
  std::istringstream lines(*text);
  for (std::string line; std::getline(lines, line);) {
    Record record;
    if (!parse(line, record))
      return Error{Errc::corrupt, "read", path.string(), "a line is not BOOT-ID PID START ...", "remove the file"};
    records.push_back(std::move(record));
  }
  return records;
}

/// Waits until every process has ended or the deadline has passed.
void await_end(const std::vector<pid_t>& pids, BootTime deadline) {
  for (const pid_t pid : pids) {
    const Fd process(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));  // glibc 2.36 has no C++-clean wrapper
    if (!process) continue;
    int ended = -1;
    do {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - system_clock().now());
      pollfd readable{process.get(), POLLIN, 0};
      ended = ::poll(&readable, 1, std::max(0, static_cast<int>(left.count())));
    } while (ended < 0 && errno == EINTR);
  }
}

}  // namespace

Result<void> record_tree(const fs::path& path, const ProcessTree& tree) {
  MIDAIR_TRY_ASSIGN(const std::string boot_id, current_boot_id());
  MIDAIR_TRY_ASSIGN(std::vector<Record> records, read_records(path));
  std::erase_if(records, [&](const Record& record) {
    return record.boot_id != boot_id || (!has_root(record.tree) && living_members(record.tree).empty());
  });
  records.push_back({boot_id, tree});
  std::ostringstream text;
  for (const Record& record : records) text << record;
  return write_file_durably(path, text.str());
}

Result<std::size_t> kill_leftovers(const fs::path& path) {
  constexpr std::chrono::seconds kDeadline{2};
  MIDAIR_TRY_ASSIGN(const std::string boot_id, current_boot_id());
  MIDAIR_TRY_ASSIGN(const std::vector<Record> records, read_records(path));
  const BootTime deadline = system_clock().now() + kDeadline;
  std::set<pid_t> killed;
  for (const auto& [recorded_at, tree] : records) {
    if (recorded_at != boot_id) continue;
    for (auto living = living_members(tree); !living.empty(); living = living_members(tree)) {
      if (system_clock().now() >= deadline)
        return Error{Errc::timeout, "kill", "process " + describe_process(living.front()), "it does not die"};
      killed.merge(kill_tree(tree));
      await_end(living, deadline);
    }
    if (has_root(tree)) await_end({tree.root.pid}, deadline);
    if (has_root(tree)) ::kill(tree.root.pid, SIGKILL);
  }
  MIDAIR_TRY(remove_file_durably(path));
  return killed.size();
}

}  // namespace midair::sidecar
