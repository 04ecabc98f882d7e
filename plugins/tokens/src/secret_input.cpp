#include "secret_input.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "midair/durable_file.h"
#include "midair/fd.h"

namespace midair::host::tokens {

namespace {

constexpr std::size_t kMaxSize = 64 << 10;  // bytes, as parse_token() takes them

/// Switches a terminal's echo off, and back on.
class SilentTerminal {
 public:
  SilentTerminal() {
    if (::tcgetattr(STDIN_FILENO, &before_) != 0) return;
    termios silent = before_;
    silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    changed_ = ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent) == 0;
  }
  ~SilentTerminal() {
    if (!changed_) return;
    ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &before_);
    static_cast<void>(write_all(STDERR_FILENO, "\n", "standard error").ok());  // the one that was not echoed
  }
  SilentTerminal(const SilentTerminal&) = delete;
  SilentTerminal& operator=(const SilentTerminal&) = delete;

  [[nodiscard]] bool is_silent() const { return changed_; }

 private:
  termios before_{};
  bool changed_ = false;
};

Result<Secret> read_until(bool first_line_only, const std::stop_token& stop) {
  const Fd stopped(::eventfd(0, EFD_CLOEXEC));
  const std::stop_callback on_stop(stop, [&] { ::eventfd_write(stopped.get(), 1); });
  std::string text;
  while (text.size() <= kMaxSize && !(first_line_only && text.ends_with('\n'))) {
    std::array<pollfd, 2> fds{{{stopped.get(), POLLIN, 0}, {STDIN_FILENO, POLLIN, 0}}};
    if (::poll(fds.data(), fds.size(), -1) < 0 && errno != EINTR)
      return system_error(errno, "wait for", "standard input");
    if (fds[0].revents != 0) return Error{Errc::cancelled, "read", "the token", "interrupted"};
    if (fds[1].revents == 0) continue;
    std::array<char, 4096> buffer{};
    const ssize_t count = ::read(STDIN_FILENO, buffer.data(), buffer.size());
    if (count < 0 && errno != EINTR) return system_error(errno, "read", "standard input");
    if (count == 0) break;
    if (count > 0) text.append(buffer.data(), static_cast<std::size_t>(count));
  }
  return Secret(std::move(text));
}

}  // namespace

Result<Secret> read_secret(const std::string& prompt, const std::stop_token& stop) {
  if (::isatty(STDIN_FILENO) != 1) return read_until(false, stop);
  const SilentTerminal terminal;
  if (!terminal.is_silent())
    return Error{Errc::io, "read", "the token", "the terminal's echo can't be switched off", "pipe it in"};
  MIDAIR_TRY(write_all(STDERR_FILENO, prompt, "standard error"));
  return read_until(true, stop);
}

}  // namespace midair::host::tokens
