/// @file
/// One system call of an app that concerns its listening sockets, held by the kernel until we answer.
#pragma once

#include <Poco/Net/SocketAddress.h>
#include <sys/types.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>

#include "midair/error.h"
#include "midair/fd.h"

namespace midair::sidecar {

/// Waits until a call has arrived at the listener of a filter, at most that long.
[[nodiscard]] bool await_call(int listener, std::chrono::milliseconds limit);

/// A system call as seccomp_unotify(2) tells of it. Answer it once: with done(), or let_kernel_do_it(). A call whose
/// caller dies meanwhile needs no answer. Valid while the listener is open.
class SocketCall {
 public:
  enum class Kind { bind, listen, connect, unlink, chmod, chown };

  /// The call that has arrived. Errc::not_found if its caller has died meanwhile.
  [[nodiscard]] static Result<SocketCall> receive(int listener);

  [[nodiscard]] Kind kind() const { return kind_; }
  [[nodiscard]] pid_t thread() const { return thread_; }
  /// Of the process, not the thread; 0 if it has ended.
  [[nodiscard]] pid_t caller() const;
  /// True if the caller sees other network interfaces than we do: its ports aren't ours.
  [[nodiscard]] bool in_other_network() const;
  /// Of bind(): where. Errc::bad_input if that is no IPv4 or IPv6 address; Errc::denied if it is as long as one and we
  /// may not read it, as in a process that is not dumpable.
  [[nodiscard]] Result<Poco::Net::SocketAddress> address() const;
  /// Which file it names, as the caller wrote that. Errc::bad_input if it names none: an address that is no path, a
  /// directory that is to be removed.
  [[nodiscard]] Result<std::string> path() const;
  /// True if `named`, as the caller sees it, lies in that directory. False where the caller has another root, or sees
  /// other mounts.
  [[nodiscard]] bool is_in_directory(const std::string& named, const std::filesystem::path& directory) const;
  /// What follows the path: of chmod() the mode, of chown() owner and group.
  [[nodiscard]] std::uint32_t value(std::size_t number) const { return values_.at(number); }
  /// A duplicate of the socket (pidfd_getfd(2)). Errc::denied if we may not. Other errors are the caller's own: it has
  /// ended, or named no descriptor of its.
  [[nodiscard]] Result<Fd> take_socket() const;

  /// The call returns 0, or fails with that errno.
  void done(int error = 0) const;
  /// The kernel carries on, as if nobody had been asked.
  void let_kernel_do_it() const;

 private:
  SocketCall() = default;
  [[nodiscard]] bool is_waiting() const noexcept;
  [[nodiscard]] bool sees_our_files() const;
  [[nodiscard]] Result<std::string> read(std::size_t most) const;
  void answer(int error, std::uint32_t flags) const;

  int listener_ = -1;
  std::uint64_t id_ = 0;
  pid_t thread_ = 0;
  Kind kind_ = Kind::bind;
  int fd_ = -1;  ///< as the caller numbers it
  bool removes_directory_ = false;
  int directory_ = -1;         ///< to which its path is relative, as the caller numbers it, or AT_FDCWD
  std::uint64_t address_ = 0;  ///< in the caller's memory: a socket's address, or a path
  std::uint64_t length_ = 0;
  std::array<std::uint32_t, 2> values_{};
};

}  // namespace midair::sidecar
