/// @file
/// Where an app tells its supervisor how it is doing: the receiving end of sd_notify(3).
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "loop/process_tree.h"
#include "loop/socket_path.h"
#include "midair/error.h"
#include "midair/fd.h"

namespace midair::sidecar {

/// One datagram: READY=1, STATUS=..., STOPPING=1, FDSTORE=1 with FDNAME=..., FDSTOREREMOVE=1, and whatever else was
/// said. Closing `fds` also answers a BARRIER=1.
struct NotifyMessage {
  pid_t pid = 0;                              ///< the sender, attested by the kernel
  std::map<std::string, std::string> fields;  ///< the first of each name counts
  std::vector<Fd> fds;                        ///< with O_CLOEXEC
};

/// Reads "KEY=VALUE" lines; lines without a name or '=' are skipped. Errc::corrupt for a NUL byte. Any bytes are safe.
[[nodiscard]] Result<std::map<std::string, std::string>> parse_notify_fields(std::string_view bytes);

/// A datagram socket for one generation of the app; its path goes into NOTIFY_SOCKET and vanishes with the object.
///
/// Mode 0666, as an app may give up its privileges before it is ready: not who may send protects it, but that a message
/// counts only if its sender, by the kernel's word, is of the generation's tree. (Another user of this machine could
/// still fill the queue; the app's send waits meanwhile.) So drain before Child::look(): of whom a zombie descended is
/// still known, of whom a helper did that was waited for is not.
class NotifySocket {
 public:
  static constexpr std::size_t kMaxMessageBytes = 4096;
  static constexpr std::size_t kMaxFds = 16;

  /// Binds `path`, as SocketPath::bind() does.
  [[nodiscard]] static Result<NotifySocket> open(const std::filesystem::path& path);
  NotifySocket(NotifySocket&&) noexcept = default;
  NotifySocket& operator=(NotifySocket&&) = delete;
  ~NotifySocket() = default;

  /// Readable when there is something to drain.
  [[nodiscard]] int fd() const noexcept { return fd_.get(); }
  [[nodiscard]] const std::filesystem::path& path() const noexcept { return place_.path(); }

  /// What has arrived from the generation's processes, in order. Messages of others, too long, with too many
  /// descriptors or malformed are dropped, the first of them logged. Never blocks; takes a bounded number per call, so
  /// watch level-triggered.
  [[nodiscard]] std::vector<NotifyMessage> drain(const ProcessTree& generation);

  /// Which process, not of this generation, was the last to say READY=1: "123 (name)"; empty if none did.
  [[nodiscard]] const std::string& stranger_that_was_ready() const noexcept { return ready_stranger_; }

 private:
  NotifySocket(Fd fd, SocketPath place) : fd_(std::move(fd)), place_(std::move(place)) {}
  void refuse(const std::string& sender, const std::string& why);

  Fd fd_;
  SocketPath place_;
  bool refusal_logged_ = false;
  std::string ready_stranger_;
};

}  // namespace midair::sidecar
