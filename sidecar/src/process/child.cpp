#include "process/child.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <string_view>

#include "loop/process_table.h"
#include "process/launch.h"

namespace midair::sidecar {
namespace fs = std::filesystem;

namespace {

/// The inode in "socket:[INODE]"; 0 for any other link.
ino_t socket_inode(std::string_view link) {
  constexpr std::string_view kPrefix = "socket:[";
  ino_t inode = 0;
  if (link.starts_with(kPrefix)) std::from_chars(link.data() + kPrefix.size(), link.data() + link.size(), inode);
  return inode;
}

bool process_holds(pid_t pid, const std::vector<ino_t>& inodes) {
  std::error_code error;
  fs::directory_iterator entry("/proc/" + std::to_string(pid) + "/fd", error);
  for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
    std::error_code closed_meanwhile;
    const ino_t inode = socket_inode(fs::read_symlink(entry->path(), closed_meanwhile).native());
    if (std::find(inodes.begin(), inodes.end(), inode) != inodes.end()) return true;
  }
  return error == std::errc::permission_denied;
}

}  // namespace

Result<Child> Child::spawn(const SpawnSpec& spec) {
  Launch launch;
  MIDAIR_TRY(launch.prepare(spec));
  MIDAIR_TRY_ASSIGN(const pid_t pid, launch.start());
  const auto session = session_led_by(pid);
  if (!session) {
    ::kill(-pid, SIGKILL);
    return Error{Errc::io, "start", spec.command.front(), "/proc does not know it", "mount /proc"};
  }
  return Child(*session, launch.take_socket_calls());
}

Child& Child::operator=(Child&& other) noexcept {
  if (this == &other) return *this;
  kill_all();
  session_ = std::exchange(other.session_, {});
  reaped_ = other.reaped_;
  socket_calls_ = std::move(other.socket_calls_);
  return *this;
}

Child::~Child() { kill_all(); }

void Child::kill_all() noexcept {
  if (session_.leader == 0) return;
  signal_group(SIGKILL);   // atomic, and most often all there is
  kill_session(session_);  // a shell with job control makes more groups
}

Result<void> Child::signal(int sig) const {
  if (session_.leader == 0 || reaped_) return Error{Errc::not_found, "signal", "the app", "it has ended"};
  if (::kill(session_.leader, sig) != 0) return system_error(errno, "signal", "process " + std::to_string(pid()));
  return {};
}

void Child::signal_group(int sig) const noexcept {
  if (session_.leader == 0) return;
  if (reaped_ && living_members(session_).empty()) return;  // the group's id may be another's by now
  ::kill(-session_.leader, sig);
}

bool Child::signal_rest(int sig) const {
  const auto members = living_members(session_);
  for (const pid_t member : members)
    if (member != session_.leader) ::kill(member, sig);
  return !members.empty();
}

bool Child::holds_any_socket(const std::vector<ino_t>& inodes) const {
  const auto members = living_members(session_);
  return std::any_of(members.begin(), members.end(), [&](pid_t pid) { return process_holds(pid, inodes); });
}

}  // namespace midair::sidecar
