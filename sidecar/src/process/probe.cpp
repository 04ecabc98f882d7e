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

using Poco::Net::SocketAddress;

/// Connects, sends all but the last line, waits until the right process has accepted, sends the rest, receives; each
/// step watches the socket for the next. finish() ends it and comes last in whatever calls it, since the callback may
/// destroy this object.
class Probe::Attempt {
 public:
  Attempt(EventLoop& loop, AcceptedBy accepted_by, OnAnswer on_answer)
      : loop_(loop), accepted_by_(std::move(accepted_by)), on_answer_(std::move(on_answer)) {}

  /// An empty request means to connect only.
  void start(const SocketAddress& address, const std::string& request, std::chrono::milliseconds timeout);
  /// Answers without trying.
  void give_up(std::string why);

 private:
  void on_connected();
  void send();
  void await_acceptance();
  void accepted();
  void receive();
  void answer(const HttpHead& head);
  void fail(std::string why) { finish({false, 0, {}, std::move(why)}); }
  void finish(ProbeAnswer answer);

  EventLoop& loop_;
  AcceptedBy accepted_by_;
  OnAnswer on_answer_;
  std::string unsent_;
  std::string held_back_;  // the end of the request, until the right process has accepted
  std::string received_;
  // In this order: the watch goes before the descriptor.
  Fd socket_;
  EventLoop::Watch watch_;
  EventLoop::Timer deadline_;
  EventLoop::Timer next_look_;
};

void Probe::Attempt::start(const SocketAddress& address, const std::string& request,
                           std::chrono::milliseconds timeout) {
  // Without its last line no request is complete: whoever accepts too early can't answer.
  constexpr std::size_t kLastLine = 2;
  if (!request.empty()) held_back_ = request.substr(request.size() - kLastLine);
  unsent_ = request.substr(0, request.size() - held_back_.size());
  socket_ = Fd(::socket(address.af(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket_) return give_up(std::strerror(errno));
  if (::connect(socket_.get(), address.addr(), address.length()) != 0 && errno != EINPROGRESS)
    return give_up(std::string("cannot connect: ") + std::strerror(errno));
  watch_ = loop_.watch(socket_.get(), EPOLLOUT, [this](std::uint32_t) { on_connected(); });
  deadline_ = loop_.after(timeout, [this, timeout] { fail("no answer within " + format_duration(timeout)); });
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
  watch_ = loop_.watch(socket_.get(), EPOLLOUT, [this](std::uint32_t) { send(); });
}

void Probe::Attempt::send() {
  const ssize_t n = ::send(socket_.get(), unsent_.data(), unsent_.size(), MSG_NOSIGNAL);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (n < 0) return fail(std::string("cannot send: ") + std::strerror(errno));
  unsent_.erase(0, static_cast<std::size_t>(n));
  if (!unsent_.empty()) return;
  watch_.reset();
  if (!held_back_.empty()) return await_acceptance();
  watch_ = loop_.watch(socket_.get(), EPOLLIN, [this](std::uint32_t) { receive(); });
}

void Probe::Attempt::await_acceptance() {
  const auto server_end = server_end_of(socket_.get());
  if (!server_end) return fail("the connection was closed before it was answered");
  if (*server_end == 0) {
    next_look_ = loop_.after(kAcceptanceInterval, [this] { await_acceptance(); });
    return;
  }
  if (!accepted_by_(*server_end)) return fail("another process took the connection");
  accepted();
}

void Probe::Attempt::accepted() {
  if (held_back_.empty()) return finish({true, 0, {}, {}});
  unsent_ = std::exchange(held_back_, {});
  watch_ = loop_.watch(socket_.get(), EPOLLOUT, [this](std::uint32_t) { send(); });
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

Probe Probe::http(EventLoop& loop, const SocketAddress& address, const std::string& path,
                  std::chrono::milliseconds timeout, AcceptedBy accepted_by, OnAnswer on_answer) {
  auto attempt = std::make_unique<Attempt>(loop, std::move(accepted_by), std::move(on_answer));
  const bool proper =
      path.starts_with('/') && std::all_of(path.begin(), path.end(), [](char c) { return c > ' ' && c <= '~'; });
  if (proper) {
    attempt->start(address,
                   "GET " + path + " HTTP/1.1\r\nHost: " + address.toString() +
                       "\r\nUser-Agent: midair-sidecar\r\nAccept: */*\r\nConnection: close\r\n\r\n",
                   timeout);
  } else {
    attempt->give_up("the path to probe must start with '/' and hold printable ASCII only");
  }
  return Probe(std::move(attempt));
}

Probe Probe::tcp(EventLoop& loop, const SocketAddress& address, std::chrono::milliseconds timeout,
                 AcceptedBy accepted_by, OnAnswer on_answer) {
  auto attempt = std::make_unique<Attempt>(loop, std::move(accepted_by), std::move(on_answer));
  attempt->start(address, {}, timeout);
  return Probe(std::move(attempt));
}

Probe::Probe() = default;
Probe::Probe(std::unique_ptr<Attempt> attempt) : attempt_(std::move(attempt)) {}
Probe::Probe(Probe&&) noexcept = default;
Probe& Probe::operator=(Probe&&) noexcept = default;
Probe::~Probe() = default;

}  // namespace midair::sidecar
