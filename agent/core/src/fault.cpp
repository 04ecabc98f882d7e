#include "midair/fault.h"

#ifdef MIDAIR_FAULTS

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <string_view>

#include "midair/durable_file.h"
#include "midair/log.h"

namespace midair {

namespace {

struct Setting {
  std::string point;
  std::string action;
};

constexpr std::array<std::string_view, 5> kActions{"error", "kill", "hang", "enospc", "eio"};

const Setting& setting() {
  static const Setting parsed = [] {
    const char* text = std::getenv("MIDAIR_FAULT");
    const std::string_view given = text == nullptr ? "" : text;
    const auto equals = given.find('=');
    if (equals == std::string_view::npos) return Setting{std::string(given), ""};
    return Setting{std::string(given.substr(0, equals)), std::string(given.substr(equals + 1))};
  }();
  return parsed;
}

}  // namespace

std::optional<Error> fault(const std::string& name) {
  const Setting& set = setting();
  if (set.point != name) return std::nullopt;
  // Past any LogWriter, whose lines end with a process that is killed.
  const std::string line = format_log_line(LogLevel::error, "fault.reached", {{"point", name}, {"action", set.action}});
  static_cast<void>(write_all(STDERR_FILENO, line, "standard error"));
  if (set.action == "kill") ::kill(::getpid(), SIGKILL);
  while (set.action == "hang") ::pause();
  if (set.action == "enospc") return system_error(ENOSPC, "pass", "the fault point " + name);
  if (set.action == "eio") return system_error(EIO, "pass", "the fault point " + name);
  return Error{Errc::refused, "pass", "the fault point " + name, "MIDAIR_FAULT says so"};
}

Result<void> check_fault_setting(const std::vector<std::string>& points) {
  const Setting& set = setting();
  if (set.point.empty()) return {};
  const bool known = std::find(points.begin(), points.end(), set.point) != points.end() &&
                     std::find(kActions.begin(), kActions.end(), set.action) != kActions.end();
  if (known) return {};
  return Error{Errc::bad_input, "use MIDAIR_FAULT", "'" + set.point + "=" + set.action + "'",
               "there is no such point or action", "POINT=error|kill|hang|enospc|eio, points by --list-faults"};
}

}  // namespace midair

#endif
