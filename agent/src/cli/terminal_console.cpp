#include "cli/terminal_console.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <map>
#include <string_view>

#include "midair/durable_file.h"
#include "midair/redact.h"

namespace midair::host {

namespace {

constexpr std::string_view kEraseLine = "\r\x1b[K";

/// Standard error is where complaints go; a complaint about it has nowhere to go.
void write_err(const std::string& text) { static_cast<void>(write_all(STDERR_FILENO, text, "standard error").ok()); }

std::size_t terminal_width() {
  winsize size{};
  return ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

/// https://no-color.org: set and not empty means no colours.
bool environment_allows_colour() {
  const char* no_colour = std::getenv("NO_COLOR");
  const char* terminal = std::getenv("TERM");
  return (no_colour == nullptr || *no_colour == '\0') && terminal != nullptr && std::string_view(terminal) != "dumb";
}

}  // namespace

TerminalConsole::TerminalConsole(ConsoleStyle style, std::function<void()> on_lost)
    : style_{style.json, style.colour && environment_allows_colour()},
      stdout_is_terminal_(::isatty(STDOUT_FILENO) == 1),
      stderr_is_terminal_(::isatty(STDERR_FILENO) == 1),
      on_lost_(std::move(on_lost)) {}

TerminalConsole::~TerminalConsole() { erase_progress(); }

void TerminalConsole::print(const std::string& text) { write_out(text); }

void TerminalConsole::print_json_line(const std::string& json) { write_out(json + "\n"); }

void TerminalConsole::print_error(const Error& error) {
  const std::scoped_lock lock(mutex_);
  erase_progress();
  std::string text = "midair: " + error.message() + "\n";
  if (!error.hint.empty()) text += "Try: " + error.hint + "\n";
  write_err(redact(text));
}

void TerminalConsole::progress(const std::string& text) {
  if (!stderr_is_terminal_ || style_.json) return;
  const std::scoped_lock lock(mutex_);
  write_err(std::string(kEraseLine) + text.substr(0, terminal_width() - 1));
  progress_shown_ = true;
}

std::string TerminalConsole::colour(const std::string& name, const std::string& text) const {
  static const std::map<std::string, std::string> codes{
      {"red", "31"}, {"green", "32"}, {"yellow", "33"}, {"dim", "2"}, {"bold", "1"}};
  const auto code = codes.find(name);
  if (!stdout_is_terminal_ || !style_.colour || code == codes.end()) return text;
  return "\x1b[" + code->second + "m" + text + "\x1b[0m";
}

int TerminalConsole::lost_errno() const {
  const std::scoped_lock lock(mutex_);
  return lost_errno_;
}

void TerminalConsole::write_out(const std::string& text) {
  {
    const std::scoped_lock lock(mutex_);
    erase_progress();
    if (lost_errno_ != 0) return;
    const auto written = write_all(STDOUT_FILENO, text, "standard output");
    if (written.ok()) return;
    lost_errno_ = written.error().sys != 0 ? written.error().sys : EIO;
  }
  on_lost_();
}

void TerminalConsole::erase_progress() {
  if (std::exchange(progress_shown_, false)) write_err(std::string(kEraseLine));
}

}  // namespace midair::host
