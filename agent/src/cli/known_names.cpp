#include "cli/known_names.h"

#include <sys/time.h>
#include <unistd.h>

#include <csignal>

#include "midair/host/command_support.h"
#include "midair/release/layout.h"

namespace midair::host {

namespace {

constexpr suseconds_t kPatience = 900'000;  // µs; of the one second some belongs to the start and the shell

/// Ends the process when the time is over, however deep in a call it is: name resolution knows no deadlines.
void end_in_time() {
  struct sigaction action {};
  action.sa_handler = [](int) { ::_exit(kExitOk); };
  ::sigaction(SIGALRM, &action, nullptr);
  const itimerval time{{0, 0}, {0, kPatience}};
  ::setitimer(ITIMER_REAL, &time, nullptr);
}

/// Lines of what stands between `prefix` and `suffix` in the store's keys and passes `check`: whoever writes into the
/// store writes into a shell here.
Result<std::string> names_in(ObjectStore& store, const std::string& prefix, const std::string& suffix,
                             Result<void> (*check)(std::string_view)) {
  MIDAIR_TRY_ASSIGN(const auto objects, store.list(prefix, {}));
  std::string lines;
  for (const auto& object : objects) {
    std::string_view name(object.key);
    if (!name.ends_with(suffix) || name.size() < prefix.size() + suffix.size()) continue;
    name.remove_prefix(prefix.size());
    name.remove_suffix(suffix.size());
    if (check(name).ok()) lines.append(name).append("\n");
  }
  return lines;
}

Result<std::string> known_names(const std::string& what, StoreProvider& provider, const Invocation& invocation) {
  MIDAIR_TRY_ASSIGN(const auto store, provider.store(StoreUse::read));
  if (what == "apps") return names_in(*store, "releases/", "-current.json", check_app_name);
  MIDAIR_TRY_ASSIGN(const auto app, app_of(invocation));
  return names_in(*store, StoreLayout{app}.machines_prefix(), ".json", check_machine_id);
}

}  // namespace

int print_known_names(const std::string& what, StoreProvider& provider, const Invocation& invocation) {
  end_in_time();
  if (const auto names = known_names(what, provider, invocation); names.ok()) invocation.console().print(*names);
  return kExitOk;
}

}  // namespace midair::host
