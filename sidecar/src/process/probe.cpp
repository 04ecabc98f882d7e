#include "process/probe.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "midair/duration.h"
#include "midair/fd.h"
#include "process/http_head.h"
#include "process/server_end.h"

namespace midair::sidecar {

namespace {

constexpr std::chrono::milliseconds kAcceptanceInterval{5};

}  // namespace

/// Connects, sends and receives; or waits until it was accepted. Each step watches the socket for the next. finish()
/// ends it and comes last in whatever calls it, since the callback may destroy this object.
class Probe::Attempt {
 public:
  Attempt(EventLoop& loop, OnAnswer on_answer) : loop_(loop), on_answer_(std::move(on_answer)) {}

  /// An empty request means to connect only.
  void start(Result<Fd> connection, std::string request, std::chrono::milliseconds timeout);
  /// Answers without trying.
  void give_up(std::string why);

 private:
  void on_connected();
  void send();
  void await_acceptance();
  void receive();
  void answer(const HttpHead& head);
  void fail(std::string why) { finish({false, 0, {}, std::move(why)}); }
  void finish(ProbeAnswer answer);

  EventLoop& loop_;
  OnAnswer on_answer_;
  std::string unsent_;
  std::string received_;
  const char* waits_for_ = "was not connected";
  // In this order: the watch goes before the descriptor.
  Fd socket_;
  EventLoop::Watch watch_;
  EventLoop::Timer deadline_;
  EventLoop::Timer next_look_;
};

void Probe::Attempt::start(Result<Fd> connection, std::string request, std::chrono::milliseconds timeout) {
  if (!connection) return give_up(connection.error().message());
  unsent_ = std::move(request);
  socket_ = std::move(connection).value();
  watch_ = loop_.watch(socket_.get(), EPOLLOUT, [this](std::uint32_t) { on_connected(); });
  deadline_ =
      loop_.after(timeout, [this, timeout] { fail(std::string(waits_for_) + " within " + format_duration(timeout)); });
}

void Probe::Attempt::give_up(std::string why) {
  deadline_ = loop_.after(std::chrono::milliseconds(0), [this, why = std::move(why)] { fail(why); });
}

void Probe::Attempt::on_connected() {
  int err = 0;
  socklen_t size = sizeof err;
  ::getsockopt(socket_.get(), SOL_SOCKET, SO_ERROR, &err, &size);
  if (err != 0) return fail(std::string("cannot connect: ") + std::strerror(err));
  watch_.reset();
  if (unsent_.empty()) return await_acceptance();
  waits_for_ = "no answer";
  watch_ = loop_.watch(socket_.get(), EPOLLOUT, [this](std::uint32_t) { send(); });
}

void Probe::Attempt::send() {
  const ssize_t n = ::send(socket_.get(), unsent_.data(), unsent_.size(), MSG_NOSIGNAL);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (n < 0) return fail(std::string("cannot send: ") + std::strerror(errno));
  unsent_.erase(0, static_cast<std::size_t>(n));
  if (!unsent_.empty()) return;
  watch_.reset();
  watch_ = loop_.watch(socket_.get(), EPOLLIN, [this](std::uint32_t) { receive(); });
}

/// The kernel shows whose the server's end is once somebody has accepted it. Whoever greets or hangs up at once (it may
/// serve certain clients only) has accepted, too: in the queue nothing is sent, and a queue that goes resets.
void Probe::Attempt::await_acceptance() {
  waits_for_ = "it accepted no connection";
  char byte{};
  if (::recv(socket_.get(), &byte, sizeof byte, MSG_PEEK) >= 0) return finish({true, 0, {}, {}});
  const auto server_end = server_end_of(socket_.get());
  if (!server_end) return fail("the connection was closed before it was answered");
  if (*server_end != 0) return finish({true, 0, {}, {}});
  next_look_ = loop_.after(kAcceptanceInterval, [this] { await_acceptance(); });
}

void Probe::Attempt::receive() {
  std::array<char, 4096> buffer{};
  const ssize_t n = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (n < 0) return fail(std::string("cannot receive: ") + std::strerror(errno));
  if (n == 0) return fail("the connection was closed before the answer was complete");
  received_.append(buffer.data(), static_cast<std::size_t>(n));
  constexpr std::string_view kHeadEnd = "\r\n\r\n";
  for (auto end = received_.find(kHeadEnd); end != std::string::npos; end = received_.find(kHeadEnd)) {
    const auto head = parse_http_head(std::string_view(received_).substr(0, end + kHeadEnd.size()));
    if (!head) return fail(head.error().message());
    if (head->status >= 200) return answer(*head);
    received_.erase(0, end + kHeadEnd.size());  // an interim response, such as 103 Early Hints
  }
  if (received_.size() > kMaxHttpHeadBytes) fail("the answer's head is longer than 16 KiB");
}

void Probe::Attempt::answer(const HttpHead& head) {
  const bool ok = head.status < 400;
  finish({ok, head.status, head.release, ok ? "" : "answered " + std::to_string(head.status)});
}

void Probe::Attempt::finish(ProbeAnswer answer) {
  watch_.reset();
  deadline_.reset();
  next_look_.reset();
  socket_.reset();
  const OnAnswer on_answer = std::move(on_answer_);
  on_answer(std::move(answer));
}

Probe Probe::http(EventLoop& loop, Result<Fd> connection, const ProbeRequest& request,
                  std::chrono::milliseconds timeout, OnAnswer on_answer) {
  auto attempt = std::make_unique<Attempt>(loop, std::move(on_answer));
  const std::string& path = request.path;
  const bool proper =
      path.starts_with('/') && std::all_of(path.begin(), path.end(), [](char c) { return c > ' ' && c <= '~'; });
  if (proper) {
    std::string text = "GET " + path + " HTTP/1.1\r\nHost: " + request.host +
                       "\r\nUser-Agent: midair-sidecar\r\nAccept: */*\r\nConnection: close\r\n";
    for (const std::string& header : request.headers) text += header + "\r\n";
    attempt->start(std::move(connection), text + "\r\n", timeout);
  } else {
    attempt->give_up("the path to probe must start with '/' and hold printable ASCII only");
  }
  return Probe(std::move(attempt));
}

Probe Probe::tcp(EventLoop& loop, Result<Fd> connection, std::chrono::milliseconds timeout, OnAnswer on_answer) {
  auto attempt = std::make_unique<Attempt>(loop, std::move(on_answer));
  attempt->start(std::move(connection), {}, timeout);
  return Probe(std::move(attempt));
}

Probe::Probe() = default;
Probe::Probe(std::unique_ptr<Attempt> attempt) : attempt_(std::move(attempt)) {}
Probe::Probe(Probe&&) noexcept = default;
Probe& Probe::operator=(Probe&&) noexcept = default;
Probe::~Probe() = default;

}  // namespace midair::sidecar
