#include "process/child.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <csignal>

#include "loop/process_descriptors.h"
#include "process/launch.h"
#include "process/subreaper.h"

namespace midair::sidecar {

Result<Child> Child::spawn(const SpawnSpec& spec) {
  Launch launch;
  MIDAIR_TRY(launch.prepare(spec));
  MIDAIR_TRY_ASSIGN(Launched launched, launch.start());
  const auto root = ProcessId::of(launched.subreaper);
  const auto leader = ProcessId::of(launched.program);
  // The link closes, and so all of it ends.
  if (!root || !leader) return Error{Errc::io, "start", spec.command.front(), "/proc does not know it", "mount /proc"};
  const auto marker = spec.environment.find(kMarkerVariable);
  return Child({*root, *leader, marker == spec.environment.end() ? "" : marker->second.value_or("")},
               std::move(launched.link), launch.take_socket_calls());
}

Child& Child::operator=(Child&& other) noexcept {
  if (this == &other) return *this;
  const Child before(std::move(*this));
  tree_ = std::move(other.tree_);
  link_ = std::move(other.link_);
  ended_ = other.ended_;
  over_ = other.over_;
  socket_calls_ = std::move(other.socket_calls_);
  return *this;
}

Child::~Child() { kill_all(); }

void Child::look() {
  EndReport report{};
  const ssize_t size = ::recv(link_.get(), &report, sizeof report, MSG_DONTWAIT);
  if (size < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (size == sizeof report) {
    if (report.pid == tree_.leader.pid) ended_ = ExitStatus(report.wait_status);
    constexpr char kNoted = 1;
    ::send(link_.get(), &kNoted, sizeof kNoted, MSG_NOSIGNAL | MSG_DONTWAIT);
    return;
  }
  kill_all();  // of which nothing is left, unless somebody killed the subreaper
  over_ = true;
  if (!ended_) ended_ = ExitStatus(SIGKILL);
}

Result<void> Child::signal(int sig) const {
  if (over() || ended_) return Error{Errc::not_found, "signal", "the app", "it has ended"};
  if (::kill(pid(), sig) != 0) return system_error(errno, "signal", "process " + std::to_string(pid()));
  return {};
}

void Child::signal_group(int sig) const noexcept {
  if (over()) return;
  if (ended_ && !lives()) return;  // the group's id may be another's by now
  ::kill(-pid(), sig);
}

bool Child::signal_rest(int sig) const {
  if (over()) return false;
  const auto members = living_members(tree_);
  for (const pid_t member : members)
    if (member != pid()) ::kill(member, sig);
  return !members.empty();
}

void Child::kill_all() const {
  if (!over()) kill_tree(tree_);
}

std::vector<pid_t> Child::processes() const { return over() ? std::vector<pid_t>() : living_members(tree_); }

bool Child::lives() const { return !over() && !living_members(tree_).empty(); }

bool Child::holds_any_socket(const std::vector<ino_t>& inodes) const {
  if (over()) return false;
  const auto members = living_members(tree_);
  return std::any_of(members.begin(), members.end(), [&](pid_t pid) {
    const auto held = sockets_of(pid);
    return !held || std::any_of(inodes.begin(), inodes.end(), [&](ino_t inode) { return held->contains(inode); });
  });
}

}  // namespace midair::sidecar
