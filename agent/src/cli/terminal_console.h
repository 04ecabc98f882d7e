/// @file
/// The console over this process's standard output and standard error.
#pragma once

#include <cstddef>
#include <functional>
#include <mutex>

#include "midair/host/plugin.h"

namespace midair::host {

/// How output shall look.
struct ConsoleStyle {
  bool json = false;
  bool colour = true;  ///< colours are wanted where there is a terminal
};

/// Writes at once, unbuffered. Once standard output is gone (nobody reads the pipe any more, the disk is full) it drops
/// what else is printed and calls `on_lost`, once. Thread-safe.
class TerminalConsole final : public Console {
 public:
  TerminalConsole(ConsoleStyle style, std::function<void()> on_lost);
  ~TerminalConsole() override;

  using Console::print_error;
  void print(const std::string& text) override;
  void redraw(const std::string& text) override;
  void relay(Stream stream, const std::string& text) override;
  void print_json_line(const std::string& json) override;
  void print_error(const Error& error, int exit_status) override;
  /// print_error() for a wrong command line: for people `usage` follows.
  void print_usage_error(const Error& error, const std::string& usage);
  void progress(const std::string& text) override;
  [[nodiscard]] bool json() const override { return style_.json; }
  [[nodiscard]] bool interactive() const override { return stdout_is_terminal_; }
  [[nodiscard]] std::string colour(const std::string& name, const std::string& text) const override;

  /// The errno that ended standard output; 0 while it is fine.
  [[nodiscard]] int lost_errno() const;

 private:
  void print_one_error(const Error& error, int exit_status);
  void write_out(const std::string& text);
  void erase_progress();

  const ConsoleStyle style_;
  const bool stdout_is_terminal_;
  const bool stderr_is_terminal_;
  std::ptrdiff_t redrawn_lines_ = 0;  // of the thread that redraws
  const std::function<void()> on_lost_;

  mutable std::mutex mutex_;
  int lost_errno_ = 0;           // guarded by mutex_
  bool progress_shown_ = false;  // guarded by mutex_
};

}  // namespace midair::host
