/// @file
/// Which connections are a generation's own, and by which descriptors it holds them.
#pragma once

#include <dirent.h>
#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "connections/connection.h"
#include "connections/socket_diag.h"
#include "midair/error.h"
#include "midair/fd.h"

namespace midair::sidecar {

/// A socket with which a process of the generation serves a client.
struct OwnSocket {
  pid_t pid = 0;                          ///< one of the processes that hold it
  int fd = -1;                            ///< its descriptor there
  std::vector<Connection> connections{};  ///< one; several where MPTCP carries it by more
};

/// By inode.
using OwnSockets = std::map<ino_t, OwnSocket>;

/// The processes of a generation, as they are when it is called.
using GenerationProcesses = std::function<std::vector<pid_t>()>;

/// One look at the connections of a generation. First the kernel is asked for all connections of the ports, then the
/// processes' descriptors are searched for them: the other way round, one that was accepted in between would be missed.
/// So each was there when the look began; one that still waited in the accept queue then is seen by the next look.
///
/// Reading /proc takes some ms (about 5 us for each descriptor), so it is done in parts, each of which does not wait.
class GenerationLook {
 public:
  /// Asks the kernel, then for the processes. With no connections to look for, nothing is left to read.
  [[nodiscard]] static Result<GenerationLook> begin(SocketDiag& diag, const std::vector<std::uint16_t>& ports,
                                                    const GenerationProcesses& processes);

  /// Reads on in /proc for about `budget`; true once all is read. Errc::denied if a process doesn't let us look: its
  /// connections, and so those of the generation, are unknown then. Processes that have ended are passed over.
  [[nodiscard]] Result<bool> read_on(std::chrono::nanoseconds budget);

  /// What was found; all there is once read_on() has said so.
  [[nodiscard]] const OwnSockets& sockets() const { return found_; }

 private:
  struct CloseDirectory {
    void operator()(DIR* directory) const { ::closedir(directory); }
  };

  GenerationLook() = default;
  Result<void> open_next();
  Result<void> read_entry();

  OwnSockets wanted_;  // known to the kernel, not found with a process yet
  OwnSockets found_;
  std::vector<pid_t> unread_;
  pid_t pid_ = 0;  // whose descriptors are being read
  std::unique_ptr<DIR, CloseDirectory> descriptors_;
};

/// Looks at sockets that an earlier look has found, without reading /proc: those that the kernel still knows, as they
/// are now. Who holds them is believed to be as before. Takes as long as SocketDiag::dump().
[[nodiscard]] Result<OwnSockets> look_again(SocketDiag& diag, const std::vector<std::uint16_t>& ports,
                                            const OwnSockets& known);

/// A duplicate (pidfd_getfd(2)) of a descriptor of another process, if that is the socket of this inode.
/// Errc::not_found if it isn't, or there is no such process or descriptor any more; Errc::denied where it is not
/// permitted, or unknown to the kernel (before 5.6).
[[nodiscard]] Result<Fd> duplicate_socket(pid_t pid, int fd, ino_t inode);

}  // namespace midair::sidecar
