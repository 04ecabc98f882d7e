#include "input.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "midair/fd.h"

namespace midair::host::machines {

Result<std::string> read_input(const std::string& file, std::uint64_t max_bytes) {
  const bool is_stdin = file == "-";
  const std::string subject = is_stdin ? "standard input" : file;
  Fd opened;
  if (!is_stdin) {
    opened = Fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
    if (!opened) return system_error(errno, "read", subject);
  }
  std::string text;
  char buffer[4096];
  for (;;) {
    const ssize_t n = ::read(is_stdin ? STDIN_FILENO : opened.get(), buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return system_error(errno, "read", subject);
    if (n == 0) return text;
    text.append(buffer, static_cast<std::size_t>(n));
    if (text.size() > max_bytes)
      return Error{Errc::corrupt, "read", subject, "longer than " + std::to_string(max_bytes) + " bytes"};
  }
}

}  // namespace midair::host::machines
