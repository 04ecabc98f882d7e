/// @file
/// One connected app: its hello, the requests to it, and their answers.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "loop/event_loop.h"
#include "midair/error.h"
#include "midair/fd.h"
#include "protocol/message.h"

namespace midair::sidecar {

/// The sidecar's end of one connection of the upgrade protocol. Everything on the loop thread.
///
/// It starts by waiting for the hello (10 s, else it closes), welcomes it, and is then ready for requests. A line that
/// is too long or is no message closes it, and so does an app that leaves more than the socket's buffer unread. Must
/// not be destroyed from one of its own callbacks.
class AppChannel {
 public:
  struct Events {
    std::function<void()> on_hello;                         ///< it was welcomed
    std::function<void(const std::string& why)> on_closed;  ///< once; not for the destructor
  };
  /// Receives the answer (all its fields), or why there is none: what error_of() says of an answer without `ok`,
  /// Errc::timeout at the deadline, Errc::unavailable if the connection ends before. Called exactly once, never from
  /// inside the call that took it, and never after the channel's destruction.
  using Answered = std::function<void(Result<Poco::JSON::Object::Ptr>)>;

  static constexpr std::chrono::milliseconds kHelloLimit{10000};

  /// Takes a non-blocking stream socket whose peer was attested.
  AppChannel(EventLoop& loop, Fd socket, const Welcome& welcome, Events events);
  AppChannel(const AppChannel&) = delete;
  AppChannel& operator=(const AppChannel&) = delete;

  [[nodiscard]] bool is_open() const { return static_cast<bool>(fd_); }
  /// Nothing until it was welcomed. Stays after the end.
  [[nodiscard]] const std::optional<Hello>& hello() const { return hello_; }

  /// Asks. One at a time: while another request is open it fails (Errc::bug); only `abort` may overtake.
  void request(const std::string& op, Poco::JSON::Object fields, std::chrono::milliseconds deadline, Answered answered);

  /// Takes what has arrived, the end of the connection included.
  void receive();
  /// Ends the connection and fails every open request, before it returns.
  void close(const std::string& why);

 private:
  struct Open {
    std::string op;
    Answered answered;
    EventLoop::Timer limit;
  };

  void take_lines();
  void take(std::string_view line);
  void take_hello(std::string_view line);
  [[nodiscard]] Result<void> send(const std::string& line);
  void conclude(std::uint64_t id, Result<Poco::JSON::Object::Ptr> result);
  void ignore(std::uint64_t id);

  EventLoop& loop_;
  Fd fd_;
  const Welcome welcome_;
  const Events events_;
  std::optional<Hello> hello_;
  std::string buffer_;
  std::uint64_t last_id_ = 0;
  std::map<std::uint64_t, Open> open_;
  bool ignored_one_ = false;
  EventLoop::Timer hello_limit_;
  EventLoop::Watch watch_;
};

}  // namespace midair::sidecar
