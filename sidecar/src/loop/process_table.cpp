#include "loop/process_table.h"

#include <unistd.h>

#include <array>
#include <charconv>
#include <csignal>
#include <filesystem>
#include <string>

#include "midair/durable_file.h"

namespace midair::sidecar {

namespace {

template <class Number>
bool parse_number(std::string_view text, Number& number) {
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && stop == text.data() + text.size();
}

}  // namespace

std::optional<ProcessStat> parse_process_stat(std::string_view text) {
  // "PID (COMMAND) STATE PPID ...": the command may itself hold spaces and parentheses, so count from its last ')'.
  const auto command_end = text.rfind(')');
  if (command_end == std::string_view::npos) return std::nullopt;
  text.remove_prefix(command_end + 1);
  std::array<std::string_view, 20> fields;  // from field 3, the state, to field 22, the start time
  for (std::string_view& field : fields) {
    text.remove_prefix(std::min(text.find_first_not_of(" \n"), text.size()));
    field = text.substr(0, text.find_first_of(" \n"));
    if (field.empty()) return std::nullopt;
    text.remove_prefix(field.size());
  }
  ProcessStat stat;
  stat.state = fields[0].front();
  if (!parse_number(fields[1], stat.parent) || !parse_number(fields[3], stat.session) ||
      !parse_number(fields[19], stat.start_ticks))
    return std::nullopt;
  return stat;
}

std::optional<ProcessStat> process_stat(pid_t pid) {
  constexpr std::uint64_t kMaxBytes = 4096;
  const auto text = read_file("/proc/" + std::to_string(pid) + "/stat", kMaxBytes);
  return text ? parse_process_stat(*text) : std::nullopt;
}

std::optional<Session> session_led_by(pid_t pid) {
  const auto stat = process_stat(pid);
  if (!stat) return std::nullopt;
  return Session{pid, stat->start_ticks};
}

std::vector<pid_t> living_members(const Session& session) {
  const auto leader = process_stat(session.leader);
  if (leader && leader->start_ticks != session.start_ticks) return {};
  std::vector<pid_t> members;
  std::error_code error;
  std::filesystem::directory_iterator entry("/proc", error);
  for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
    pid_t pid = 0;
    if (!parse_number(entry->path().filename().native(), pid)) continue;
    const auto stat = process_stat(pid);
    if (stat && stat->session == session.leader && stat->state != 'Z' && stat->state != 'X') members.push_back(pid);
  }
  return members;
}

bool is_in_session(pid_t pid, pid_t leader) {
  return pid > 0 && (pid == leader || ::getsid(pid) == leader);  // getsid(0) would be our own
}

std::set<pid_t> kill_session(const Session& session) {
  // A killed process can't fork any more, but one that is yet to be killed may: look again until nobody is new.
  constexpr int kMaxRounds = 100;
  std::set<pid_t> killed;
  bool found_more = true;
  for (int round = 0; found_more && round < kMaxRounds; ++round) {
    found_more = false;
    for (const pid_t pid : living_members(session)) {
      if (pid == ::getpid() || !killed.insert(pid).second) continue;
      ::kill(pid, SIGKILL);
      found_more = true;
    }
  }
  return killed;
}

}  // namespace midair::sidecar
