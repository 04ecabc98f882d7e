#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "control/control_server.h"
#include "loop/unix_address.h"
#include "midair/durable_file.h"

namespace midair::sidecar {

namespace {

constexpr std::size_t kMaxAnswer = 1024 * 1024;
constexpr timeval kAnswerLimit{5, 0};

Result<std::string> read_line(int fd, const std::string& subject) {
  std::string text;
  std::array<char, 4096> buffer{};
  while (text.size() < kMaxAnswer) {
    const ssize_t n = ::read(fd, buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) return system_error(ETIMEDOUT, "get an answer from", subject);
    if (n < 0) return system_error(errno, "get an answer from", subject);
    if (n == 0) break;
    text.append(buffer.data(), static_cast<std::size_t>(n));
    if (const auto end = text.find('\n'); end != std::string::npos) return text.substr(0, end);
  }
  return Error{Errc::corrupt, "get an answer from", subject, "it hung up in the middle"};
}

}  // namespace

Result<std::string> ask_sidecar(const std::filesystem::path& path, const std::string& op) {
  MIDAIR_TRY_ASSIGN(const UnixAddress address, unix_address(path));
  Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd) return system_error(errno, "create a socket for", path.string());
  ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &kAnswerLimit, sizeof kAnswerLimit);
  ::setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &kAnswerLimit, sizeof kAnswerLimit);
  if (::connect(fd.get(), address.get(), address.size()) != 0) {
    Error error = system_error(errno, "reach a sidecar at", path.string());
    if (error.sys == ECONNREFUSED || error.sys == ENOENT) error.code = Errc::not_found;
    error.hint = "is `midair-sidecar run` running here? Name its socket with --control, or its --state-dir";
    return error;
  }
  MIDAIR_TRY(write_all(fd.get(), "{\"op\":\"" + op + "\"}\n", path.string()));
  return read_line(fd.get(), path.string());
}

Result<std::string> ask_sidecars(const std::vector<std::filesystem::path>& paths, const std::string& op) {
  auto first = ask_sidecar(paths.front(), op);
  if (first || first.error().code != Errc::not_found) return first;
  for (std::size_t i = 1; i < paths.size(); ++i)
    if (auto answer = ask_sidecar(paths[i], op); answer) return answer;
  return first;
}

}  // namespace midair::sidecar
