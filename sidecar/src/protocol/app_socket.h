/// @file
/// Where the app of one generation connects to speak the upgrade protocol.
#pragma once

#include <sys/types.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "loop/event_loop.h"
#include "loop/process_tree.h"
#include "loop/unix_listener.h"
#include "midair/error.h"
#include "midair/fd.h"
#include "protocol/app_channel.h"

namespace midair::sidecar {

/// A listening Unix stream socket for one generation, whose path goes into MIDAIR_SOCKET and vanishes with the object,
/// and the one connection at a time that it has. Everything on the loop thread.
///
/// Any user of the machine may connect, as an app may have given up its privileges before: what counts is that the
/// kernel attests a process of the generation's own tree. Others are cut off without a byte being read.
class AppSocket {
 public:
  /// Binds `path`, replacing a socket that a dead sidecar left there. Nobody is accepted before serve().
  /// Errc::bad_input if the path is too long (107 bytes).
  [[nodiscard]] static Result<std::unique_ptr<AppSocket>> open(EventLoop& loop, const std::filesystem::path& path);
  ~AppSocket();
  AppSocket(const AppSocket&) = delete;
  AppSocket& operator=(const AppSocket&) = delete;

  /// From now on processes of this generation are served and welcomed in this way.
  void serve(const ProcessTree& generation, const Welcome& welcome);

  [[nodiscard]] const std::filesystem::path& path() const noexcept { return listener_.place.path(); }

  /// What the app said of itself; null while none is connected and welcomed.
  [[nodiscard]] const Hello* hello() const;
  /// What it last said, also after its connection has ended; null if it never said hello.
  [[nodiscard]] const Hello* last_hello() const { return last_hello_ ? &*last_hello_ : nullptr; }
  /// The user as whom the process connected that was welcomed last; ours before.
  [[nodiscard]] uid_t peer_uid() const { return peer_uid_; }
  /// See AppChannel::request(); Errc::unavailable while none is connected and welcomed.
  void request(const std::string& op, Poco::JSON::Object fields, std::chrono::milliseconds deadline,
               AppChannel::Answered answered);
  /// Ends the connection, if there is one: every open request fails before this returns.
  void close(const std::string& why);

  /// Calls `heard` when an app was welcomed, and `closed` when its connection has ended; later ones replace earlier
  /// ones, null ones silence. Neither may destroy this object.
  void watch(std::function<void()> heard, std::function<void(const std::string& why)> closed);

 private:
  AppSocket(EventLoop& loop, UnixListener listener);
  void accept();
  void welcomed(uid_t uid);
  void refuse(pid_t pid, const std::string& why);

  EventLoop& loop_;
  const UnixListener listener_;
  ProcessTree generation_;
  Welcome welcome_;
  std::function<void()> heard_;
  std::function<void(const std::string&)> closed_;
  bool refusal_logged_ = false;
  std::optional<Hello> last_hello_;
  uid_t peer_uid_ = ::geteuid();
  std::unique_ptr<AppChannel> channel_;
  EventLoop::Watch watch_;
};

}  // namespace midair::sidecar
