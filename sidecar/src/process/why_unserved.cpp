#include "process/why_unserved.h"

#include <algorithm>

namespace midair::sidecar {
namespace fs = std::filesystem;

namespace {

/// "process 12 (python3)".
std::string name_of(pid_t pid, const ServiceFacts& facts) {
  const auto program = facts.programs.find(pid);
  const bool known = program != facts.programs.end() && !program->second.empty();
  return "process " + std::to_string(pid) + (known ? " (" + program->second.filename().string() + ")" : "");
}

bool is_lent(const Listener& listener, const ServiceFacts& facts) {
  return std::ranges::any_of(facts.lent, [&](const auto& lent) { return lent.first == listener.socket.inode; });
}

/// A process that runs another program than the main one: what a wrapper has started.
pid_t wrapped_by_main(const ServiceFacts& facts) {
  const auto main = facts.programs.find(facts.main);
  if (main == facts.programs.end() || main->second.empty()) return 0;
  for (const auto& [pid, program] : facts.programs)
    if (!program.empty() && program != main->second) return pid;
  return 0;
}

std::string about_wrapper(pid_t server, const ServiceFacts& facts) {
  return "LISTEN_PID names " + name_of(facts.main, facts) + ", a wrapper, and not " + name_of(server, facts) +
         ": let the wrapper end in 'exec SERVER', or start it with 'sh -c \"LISTEN_PID=$$ exec SERVER\"'";
}

std::string about_elsewhere(const Listener& listener, const ServiceFacts& facts) {
  const Poco::Net::SocketAddress& address = listener.socket.address;
  const std::string only = address.host().isLoopback() ? " (this machine only)" : "";
  return name_of(listener.pid, facts) + " listens on " + address.toString() + only + ", not on the socket of " +
         facts.lent.front().second.toString() + " that it was given";
}

}  // namespace

std::string why_unserved(const ServiceFacts& facts) {
  if (facts.lent.empty()) return {};
  const pid_t wrapped = wrapped_by_main(facts);
  const auto elsewhere =
      std::ranges::find_if(facts.listeners, [&](const Listener& listener) { return !is_lent(listener, facts); });
  if (elsewhere != facts.listeners.end()) {
    const bool misled = wrapped != 0 && elsewhere->pid != facts.main;
    return about_elsewhere(*elsewhere, facts) + (misled ? "; " + about_wrapper(elsewhere->pid, facts) : "");
  }
  const auto has_it = [&](pid_t pid) { return std::ranges::find(facts.listeners, pid, &Listener::pid); };
  if (wrapped != 0 && has_it(wrapped) == facts.listeners.end())
    return name_of(facts.main, facts) + " has not passed the listening socket on to " + name_of(wrapped, facts);
  if (wrapped != 0) return about_wrapper(wrapped, facts);
  if (facts.listeners.empty()) return "none of its processes has the listening socket open";
  for (const Listener& listener : facts.listeners)
    if (listener.socket.waiting > 0)
      return std::to_string(listener.socket.waiting) + " connections wait on " + listener.socket.address.toString() +
             ": nobody accepts them, though " + name_of(listener.pid, facts) + " has the socket open";
  return {};
}

ServiceFacts service_facts(const Child& app, std::vector<std::pair<ino_t, Poco::Net::SocketAddress>> lent) {
  ServiceFacts facts;
  facts.main = app.pid();
  const std::vector<pid_t> pids = app.processes();
  for (const pid_t pid : pids) {
    std::error_code unreadable;
    facts.programs[pid] = fs::read_symlink("/proc/" + std::to_string(pid) + "/exe", unreadable);
  }
  facts.lent = std::move(lent);
  facts.listeners = listeners_among(pids);
  return facts;
}

}  // namespace midair::sidecar
