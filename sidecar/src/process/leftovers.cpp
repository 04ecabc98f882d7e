#include "process/leftovers.h"

#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <sstream>
#include <string>
#include <vector>

#include "loop/process_table.h"
#include "midair/clock.h"
#include "midair/durable_file.h"
#include "midair/fd.h"

namespace midair::sidecar {
namespace fs = std::filesystem;

namespace {

/// A session as it is written down, one a line: "<boot id> <pid> <start ticks>". Pids and ticks repeat after a reboot,
/// which a state directory on a volume survives.
struct Record {
  std::string boot_id;
  Session session;
};

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
    Session& session = record.session;
    std::istringstream fields(line);
    if (!(fields >> record.boot_id >> session.leader >> session.start_ticks) || session.leader <= 1)
      return Error{Errc::corrupt, "read", path.string(), "a line is not BOOT-ID PID START", "remove the file"};
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

Result<void> record_session(const fs::path& path, pid_t pid) {
  MIDAIR_TRY_ASSIGN(const std::string boot_id, current_boot_id());
  const auto session = session_led_by(pid);
  if (!session) return system_error(ESRCH, "record", "process " + std::to_string(pid));
  MIDAIR_TRY_ASSIGN(std::vector<Record> records, read_records(path));
  std::erase_if(records, [&](const Record& record) {
    return record.boot_id != boot_id || living_members(record.session).empty();
  });
  records.push_back({boot_id, *session});
  std::ostringstream text;
  for (const Record& record : records)
    text << record.boot_id << ' ' << record.session.leader << ' ' << record.session.start_ticks << '\n';
  return write_file_durably(path, text.str());
}

Result<std::size_t> kill_leftovers(const fs::path& path) {
  constexpr std::chrono::seconds kDeadline{2};
  MIDAIR_TRY_ASSIGN(const std::string boot_id, current_boot_id());
  MIDAIR_TRY_ASSIGN(const std::vector<Record> records, read_records(path));
  const BootTime deadline = system_clock().now() + kDeadline;
  std::set<pid_t> killed;
  for (const Record& record : records) {
    if (record.boot_id != boot_id) continue;
    for (auto living = living_members(record.session); !living.empty(); living = living_members(record.session)) {
      if (system_clock().now() >= deadline)
        return Error{Errc::timeout, "kill", "session " + std::to_string(record.session.leader),
                     "a process does not die"};
      killed.merge(kill_session(record.session));
      await_end(living, deadline);
    }
  }
  MIDAIR_TRY(remove_file_durably(path));
  return killed.size();
}

}  // namespace midair::sidecar
