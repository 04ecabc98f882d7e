#include "cli/terminal_console.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <string_view>

#include "midair/durable_file.h"
#include "midair/foreign_text.h"
#include "midair/json/error_json.h"
#include "midair/redact.h"

namespace midair::host {

namespace {

constexpr std::string_view kEraseRest = "\x1b[K";
constexpr std::string_view kEraseLine = "\r\x1b[K";
constexpr std::size_t kMaxLine = 4096;

struct Colour {
  std::string_view name, sequence;
};
constexpr std::string_view kColourEnd = "\x1b[0m";
constexpr std::array<Colour, 5> kColours{
    {{"red", "\x1b[31m"}, {"green", "\x1b[32m"}, {"yellow", "\x1b[33m"}, {"dim", "\x1b[2m"}, {"bold", "\x1b[1m"}}};

/// The length of the colour sequence of ours that `text` begins with; 0 if there is none.
std::size_t colour_length(std::string_view text) {
  if (text.starts_with(kColourEnd)) return kColourEnd.size();
  for (const auto& colour : kColours)
    if (text.starts_with(colour.sequence)) return colour.sequence.size();
  return 0;
}

/// `text` without what steers a terminal, but for line breaks, tabs and our colours.
std::string washed(std::string_view text) {
  std::string clean;
  while (!text.empty()) {
    const std::size_t kept = colour_length(text);
    const std::size_t end = kept > 0 ? kept : std::min(text.find('\x1b', 1), text.size());
    clean += kept > 0 ? std::string(text.substr(0, kept)) : tame(text.substr(0, end), "\n\t");
    text.remove_prefix(end);
  }
  return clean;
}

/// A sentence that may hold anything, on one line of ours.
std::string for_line(const std::string& text) { return tame_and_cut(redact(text), kMaxLine); }

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

void TerminalConsole::print(const std::string& text) { write_out(washed(text)); }

void TerminalConsole::redraw(const std::string& text) {
  if (!stdout_is_terminal_) return print(text);
  std::string out = redrawn_lines_ > 0 ? "\x1b[" + std::to_string(redrawn_lines_) + "A\r" : "";
  for (const char c : washed(text)) out += c == '\n' ? std::string(kEraseRest) + "\n" : std::string(1, c);
  redrawn_lines_ = std::ranges::count(text, '\n');
  write_out(out + "\x1b[J");
}

void TerminalConsole::relay(Stream stream, const std::string& text) {
  const bool to_terminal = stream == Stream::out ? stdout_is_terminal_ : stderr_is_terminal_;
  const std::string shown = to_terminal ? washed(text) : text;
  if (stream == Stream::out) return write_out(shown);
  const std::scoped_lock lock(mutex_);
  erase_progress();
  write_err(shown);
}

void TerminalConsole::print_json_line(const std::string& json) { write_out(tame_json(json) + "\n"); }

void TerminalConsole::print_error(const Error& error, int exit_status) {
  print_one_error(error, exit_status);
  for (const Error& other : error.others) print_one_error(other, exit_status);
}

void TerminalConsole::print_one_error(const Error& error, int exit_status) {
  const std::scoped_lock lock(mutex_);
  erase_progress();
  if (style_.json) return write_err(error_json(error, exit_status) + "\n");
  std::string text = "midair: " + for_line(error.message()) + "\n";
  if (!error.hint.empty()) text += "Try: " + for_line(error.hint) + "\n";
  write_err(text);
}

void TerminalConsole::print_usage_error(const Error& error, const std::string& usage) {
  print_error(error, kExitUsage);
  if (!style_.json) relay(Stream::error, "Usage: " + for_line(usage) + "\n");
}

void TerminalConsole::progress(const std::string& text) {
  if (!stderr_is_terminal_ || style_.json) return;
  const std::scoped_lock lock(mutex_);
  write_err(std::string(kEraseLine) + tame_and_cut(redact(text), std::max<std::size_t>(terminal_width(), 8) - 4));
  progress_shown_ = true;
}

std::string TerminalConsole::colour(const std::string& name, const std::string& text) const {
  const auto colour = std::ranges::find(kColours, name, &Colour::name);
  if (!stdout_is_terminal_ || !style_.colour || colour == kColours.end()) return text;
  return std::string(colour->sequence).append(text).append(kColourEnd);
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
