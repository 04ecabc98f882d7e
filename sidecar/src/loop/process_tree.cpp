#include "loop/process_tree.h"

#include <unistd.h>

#include <csignal>
#include <map>
#include <string_view>
#include <utility>

#include "loop/process_table.h"
#include "midair/durable_file.h"

namespace midair::sidecar {

namespace {

using Snapshot = std::map<pid_t, ProcessStat>;

/// Looks again at a process whose parent isn't there. True if that has changed anything.
bool look_again(Snapshot& snapshot, pid_t pid) {
  const auto again = process_stat(pid);
  if (!again) return snapshot.erase(pid) > 0;
  return std::exchange(snapshot[pid], *again).parent != again->parent;
}

/// Adds those that were not in /proc when it was listed before. True if there are any, though they have ended.
bool add_unseen(Snapshot& snapshot, std::set<pid_t>& seen) {
  bool any = false;
  ProcessList list;
  for (pid_t pid = list.next(); pid != 0; pid = list.next()) {
    if (!seen.insert(pid).second) continue;
    any = true;
    if (const auto stat = process_stat(pid)) snapshot.emplace(pid, *stat);
  }
  return any;
}

/// All processes. /proc is read one process after the other, so what forks and ends in between could be missed, and the
/// parents of others be gone: it is looked at until that brings nothing new; a few times only, as on a busy machine
/// something always is, and as of some (hidepid) the parent is never seen.
Snapshot take_snapshot() {
  constexpr int kMaxRounds = 10;
  Snapshot snapshot;
  std::set<pid_t> seen;
  bool changed = true;
  for (int round = 0; changed && round < kMaxRounds; ++round) {
    changed = add_unseen(snapshot, seen);
    std::vector<pid_t> astray;
    for (const auto& [pid, stat] : snapshot)
      if (stat.parent != 0 && !snapshot.contains(stat.parent)) astray.push_back(pid);
    for (const pid_t pid : astray) changed = look_again(snapshot, pid) || changed;
  }
  return snapshot;
}

/// Asks `known` of a process and of those that it descends from, nearest first; true at the first that is.
template <class Known>
bool any_ancestor(const Snapshot& snapshot, pid_t pid, Known known) {
  // A bound, as pids that are used again meanwhile could make a ring.
  for (std::size_t steps = 0; steps <= snapshot.size(); ++steps) {
    if (known(pid)) return true;
    const auto found = snapshot.find(pid);
    if (found == snapshot.end()) return false;
    pid = found->second.parent;
  }
  return false;
}

/// True if it was started with the marker. What may not be read has none.
bool bears(const std::string& marker, pid_t pid) {
  constexpr std::uint64_t kMaxBytes = 8 << 20;  // of arguments and environment, execve(2): a quarter of the stack limit
  if (marker.empty()) return false;
  const auto environment = read_file("/proc/" + std::to_string(pid) + "/environ", kMaxBytes);
  if (!environment) return false;
  const std::string wanted = std::string(kMarkerVariable) + "=" + marker + '\0';
  const auto found = environment->find(wanted);
  return found == 0 || (found != std::string::npos && (*environment)[found - 1] == '\0');
}

/// The processes by which a tree is known that has lost its subreaper.
std::set<pid_t> marked(const Snapshot& snapshot, const ProcessTree& tree) {
  // While any of the session is left, the kernel gives the leader's pid to nobody else, so a dead leader doesn't
  // matter; and if that pid is another process's by now, the session is over.
  const auto leader = snapshot.find(tree.leader.pid);
  const bool over = leader != snapshot.end() && leader->second.start_ticks != tree.leader.start_ticks;
  std::set<pid_t> found;
  for (const auto& [pid, stat] : snapshot)
    if ((!over && stat.session == tree.leader.pid) || bears(tree.marker, pid)) found.insert(pid);
  return found;
}

}  // namespace

std::optional<ProcessId> ProcessId::of(pid_t pid) {
  const auto stat = process_stat(pid);
  if (!stat) return std::nullopt;
  return ProcessId{pid, stat->start_ticks};
}

bool is_port_mapper(std::string_view process_name) noexcept { return process_name == "epmd"; }

bool has_root(const ProcessTree& tree) {
  const auto stat = process_stat(tree.root.pid);
  return stat && stat->start_ticks == tree.root.start_ticks && !stat->ended();
}

std::vector<pid_t> living_members(const ProcessTree& tree) {
  const Snapshot snapshot = take_snapshot();
  std::set<pid_t> heads;
  if (has_root(tree))
    heads.insert(tree.root.pid);
  else
    heads = marked(snapshot, tree);
  std::vector<pid_t> members;
  for (const auto& [pid, stat] : snapshot) {
    if (pid == tree.root.pid || pid == ::getpid() || stat.ended() || is_port_mapper(stat.name())) continue;
    if (any_ancestor(snapshot, pid, [&](pid_t ancestor) { return heads.contains(ancestor); })) members.push_back(pid);
  }
  return members;
}

bool is_member(pid_t pid, const ProcessTree& tree) {
  if (pid <= 0) return false;  // getsid(0) would be our own
  if (::getsid(pid) == tree.leader.pid) return true;
  if (!has_root(tree)) return false;
  const Snapshot snapshot = take_snapshot();
  return pid != tree.root.pid && any_ancestor(snapshot, pid, [&](pid_t ancestor) { return ancestor == tree.root.pid; });
}

std::set<pid_t> kill_tree(const ProcessTree& tree) {
  // A killed process can't fork any more, but one that is yet to be killed may: look again until nobody is new.
  constexpr int kMaxRounds = 100;
  std::set<pid_t> killed;
  bool found_more = true;
  for (int round = 0; found_more && round < kMaxRounds; ++round) {
    found_more = false;
    for (const pid_t pid : living_members(tree)) {
      if (!killed.insert(pid).second) continue;
      ::kill(pid, SIGKILL);
      found_more = true;
    }
  }
  return killed;
}

}  // namespace midair::sidecar
