#include "protocol/app_channel.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "midair/duration.h"
#include "midair/log.h"

namespace midair::sidecar {

AppChannel::AppChannel(EventLoop& loop, Fd socket, const Welcome& welcome, Events events)
    : loop_(loop),
      fd_(std::move(socket)),
      welcome_(welcome),
      events_(std::move(events)),
      hello_limit_(loop.after(kHelloLimit, [this] { close("it did not say hello within 10s"); })),
      watch_(loop.watch(fd_.get(), EPOLLIN, [this](std::uint32_t) { receive(); })) {}

void AppChannel::request(const std::string& op, Poco::JSON::Object fields, std::chrono::milliseconds deadline,
                         Answered answered) {
  const bool alone = open_.empty() || op == "abort";
  const std::uint64_t id = ++last_id_;
  Open& open = open_.emplace(id, Open{op, std::move(answered), {}}).first->second;
  const auto fail_soon = [&](Error error) {
    open.limit = loop_.after({}, [this, id, error = std::move(error)] { conclude(id, error); });
  };
  if (!is_open() || !hello_)
    return fail_soon(request_error(Errc::unavailable, op, "it is not connected to MIDAIR_SOCKET"));
  if (!alone) return fail_soon(request_error(Errc::bug, op, "it has not answered the last request yet"));
  auto line = format_request(id, op, deadline, std::move(fields));
  if (!line) return fail_soon(std::move(line).error());
  if (auto sent = send(*line); !sent) {
    open.limit = loop_.after({}, [this, why = sent.error().cause] { close(why); });
    return;
  }
  open.limit = loop_.after(deadline, [this, id, op, deadline] {
    conclude(id, request_error(Errc::timeout, op, "it did not answer within " + format_duration(deadline)));
  });
}

Result<void> AppChannel::send(const std::string& line) {
  const ssize_t n = ::send(fd_.get(), line.data(), line.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  if (n == static_cast<ssize_t>(line.size())) return {};
  const bool full = n >= 0 || errno == EAGAIN;
  return Error{Errc::unavailable, "write to", "the app",
               full ? "it does not read what it is sent" : std::string(std::strerror(errno))};
}

void AppChannel::receive() {
  constexpr int kMaxReads = 16;  // an app that floods must not keep the loop
  std::array<char, 16384> chunk{};
  for (int i = 0; i < kMaxReads && is_open(); ++i) {
    const std::size_t room = std::min(chunk.size(), kMaxMessageBytes - buffer_.size());
    const ssize_t n = ::recv(fd_.get(), chunk.data(), room, MSG_DONTWAIT);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) return;
    if (n <= 0) return close("it closed the connection");
    buffer_.append(chunk.data(), static_cast<std::size_t>(n));
    take_lines();
  }
}

void AppChannel::take_lines() {
  std::size_t start = 0;
  for (std::size_t end = 0; is_open() && (end = buffer_.find('\n', start)) != std::string::npos; start = end + 1)
    take(std::string_view(buffer_).substr(start, end - start));
  if (!is_open()) return;
  buffer_.erase(0, start);
  if (buffer_.size() >= kMaxMessageBytes) close("it sent a line of more than 65536 bytes");
}

void AppChannel::take(std::string_view line) {
  if (!hello_) return take_hello(line);
  auto answer = parse_answer(line);
  if (!answer) return close(answer.error().message());
  const auto asked = open_.find(answer->id);
  if (asked == open_.end()) return ignore(answer->id);
  if (answer->ok) return conclude(answer->id, std::move(answer->fields));
  conclude(answer->id, error_of(asked->second.op, *answer));
}

void AppChannel::take_hello(std::string_view line) {
  auto hello = parse_hello(line);
  const std::string reply = hello ? format_welcome(welcome_) : format_refused(hello.error().message());
  const auto sent = send(reply);
  if (!hello) return close(hello.error().message());
  if (!sent) return close(sent.error().cause);
  hello_limit_.reset();
  hello_ = std::move(hello).value();
  log(LogLevel::info, "app.hello",
      {{"generation", std::to_string(welcome_.generation)}, {"sdk", hello_->sdk}, {"schema", hello_->schema}});
  events_.on_hello();
}

void AppChannel::conclude(std::uint64_t id, Result<Poco::JSON::Object::Ptr> result) {
  const auto concluded = open_.extract(id);
  if (!concluded.empty()) concluded.mapped().answered(std::move(result));
}

void AppChannel::ignore(std::uint64_t id) {
  if (std::exchange(ignored_one_, true)) return;
  log(LogLevel::warning, "app.answer_ignored",
      {{"generation", std::to_string(welcome_.generation)},
       {"id", std::to_string(id)},
       {"why", id > last_id_ ? "nothing was asked under this id" : "it came late, or a second time"}});
}

void AppChannel::close(const std::string& why) {
  const bool was_open = is_open();
  hello_limit_.reset();
  watch_.reset();
  fd_.reset();
  // Also what was asked when it was closed already, and is about to be told so.
  while (!open_.empty()) {
    const std::uint64_t id = open_.begin()->first;
    conclude(id, request_error(Errc::unavailable, open_.begin()->second.op, why));
  }
  if (was_open) events_.on_closed(why);
}

}  // namespace midair::sidecar
