/// @file
/// The control socket: how an operator on the machine asks the running sidecar.
///
/// A Unix stream socket, mode 0600. One request a connection: a JSON object on one line, `{"op":"status"}` or
/// `{"op":"poll_now"}`; the answer is a JSON object on one line: what was asked for, or `{"error":"..."}`.
#pragma once

#include <filesystem>
#include <functional>
#include <list>
#include <string>
#include <vector>

#include "loop/event_loop.h"
#include "loop/unix_listener.h"
#include "midair/error.h"
#include "midair/fd.h"

namespace midair::sidecar {

/// Serves the control socket on the loop. Peers of another user than ours (root excepted) are turned away.
class ControlServer {
 public:
  /// Answers one operation with a JSON object. Called on the loop thread.
  using Handler = std::function<std::string(const std::string& op)>;

  /// Listens at `path`, as listen_at() does.
  [[nodiscard]] static Result<std::unique_ptr<ControlServer>> open(EventLoop& loop, const std::filesystem::path& path,
                                                                   Handler handler);
  ~ControlServer();
  ControlServer(const ControlServer&) = delete;
  ControlServer& operator=(const ControlServer&) = delete;

 private:
  struct Connection {
    Fd fd;
    std::string request;
    EventLoop::Watch watch;
    EventLoop::Timer limit;
  };

  ControlServer(EventLoop& loop, UnixListener listener, Handler handler);
  void accept();
  void receive(std::list<Connection>::iterator connection);
  [[nodiscard]] std::string answer(const std::string& line) const;

  EventLoop& loop_;
  const Handler handler_;
  const UnixListener listener_;
  std::list<Connection> connections_;
  EventLoop::Watch watch_;
};

/// Asks the sidecar behind `path` and returns its answer, a JSON object. Errc::not_found if nobody listens there.
[[nodiscard]] Result<std::string> ask_sidecar(const std::filesystem::path& path, const std::string& op);

/// Asks at each of `paths` in turn, until somebody listens. If nobody does, the error is the first one's.
[[nodiscard]] Result<std::string> ask_sidecars(const std::vector<std::filesystem::path>& paths, const std::string& op);

}  // namespace midair::sidecar
