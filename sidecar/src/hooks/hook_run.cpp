#include "hooks/hook_run.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

#include "midair/duration.h"
#include "midair/log.h"

namespace midair::sidecar {

namespace {

/// Unsets everything: credentials are in our environment.
std::map<std::string, std::optional<std::string>> nothing_of_our_environment() {
  std::map<std::string, std::optional<std::string>> unset;
  for (char** variable = environ; variable != nullptr && *variable != nullptr; ++variable) {
    const std::string_view text(*variable);
    unset.emplace(text.substr(0, text.find('=')), std::nullopt);
  }
  return unset;
}

}  // namespace

HookRun::HookRun(EventLoop& loop, const HookCall& call, std::chrono::milliseconds limit, Done done)
    : loop_(loop), function_(call.function), done_(std::move(done)) {
  if (auto started = start(call); !started) {
    limit_ = loop_.after({}, [this, error = std::move(started).error()] { conclude(error); });
    return;
  }
  watch_ = loop_.watch(channel_.get(), EPOLLIN, [this](std::uint32_t) { receive(); });
  limit_ = loop_.after(limit, [this, limit] {
    conclude(Error{Errc::timeout, "run the hook", function_, "it took longer than " + format_duration(limit)});
  });
}

Result<void> HookRun::start(const HookCall& call) {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0)
    return system_error(errno, "start the hook", function_);
  channel_ = Fd(ends[0]);
  const Fd theirs(ends[1]);
  const std::string request = format_hook_call(call);
  // It fits into the socket's buffer; if it did not, waiting for a worker that isn't there would be for ever.
  const ssize_t sent = ::send(channel_.get(), request.data(), request.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  if (sent != static_cast<ssize_t>(request.size()))
    return Error{Errc::bad_input, "start the hook", function_, "what it is to be told is too long"};
  ::shutdown(channel_.get(), SHUT_WR);

  SpawnSpec spec;
  spec.command = {"/proc/self/exe", "hook-worker"};
  spec.directory = "/";
  spec.environment = nothing_of_our_environment();
  spec.passed_fds = {{"channel", theirs.get()}};
  MIDAIR_TRY_ASSIGN(Child worker, Child::spawn(spec));
  worker_.emplace(std::move(worker));
  return {};
}

void HookRun::receive() {
  std::array<char, 16384> chunk{};
  for (;;) {
    const ssize_t n = ::recv(channel_.get(), chunk.data(), chunk.size(), MSG_DONTWAIT);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) return;
    if (n <= 0)
      return conclude(
          Error{Errc::unavailable, "run the hook", function_, "its process ended without an answer, at a limit"});
    received_ += static_cast<std::size_t>(n);
    if (received_ > kMaxHookAnswer)
      return conclude(Error{Errc::refused, "run the hook", function_, "it says more than a megabyte"});
    buffer_.append(chunk.data(), static_cast<std::size_t>(n));
    for (std::size_t end = 0; (end = buffer_.find('\n')) != std::string::npos;) {
      const std::string line = buffer_.substr(0, end);
      buffer_.erase(0, end + 1);
      if (take(line)) return;
    }
  }
}

bool HookRun::take(std::string_view text) {
  auto line = parse_hook_line(text);
  if (line && line->log) {
    log(LogLevel::info, "hook.says", {{"hook", function_}, {"text", *line->log}});
    return false;
  }
  if (!line)
    conclude(std::move(line).error());
  else if (line->failed)
    conclude(Error{Errc::refused, "run the hook", function_, *line->failed});
  else if (line->missing)
    conclude(std::optional<std::vector<Poco::Dynamic::Var>>());
  else
    conclude(std::optional(std::move(line->returned)));
  return true;
}

void HookRun::conclude(Result<std::optional<std::vector<Poco::Dynamic::Var>>> result) {
  limit_.reset();
  watch_.reset();
  worker_.reset();
  const Done done = std::exchange(done_, nullptr);
  done(std::move(result));
}

}  // namespace midair::sidecar
