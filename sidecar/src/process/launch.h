/// @file
/// fork() and exec(): the two halves of starting a program.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "midair/error.h"
#include "midair/fd.h"
#include "process/child.h"

namespace midair::sidecar {

/// A program that was started, and what stands above it.
struct Launched {
  pid_t program = 0;
  pid_t subreaper = 0;  ///< our child; the program's parent
  Fd link;              ///< to the subreaper: a SOCK_SEQPACKET socket for EndReport; closing it kills all below
};

/// All that a forked child needs to become the program, made before fork(): between fork() and exec() nothing may
/// allocate, since another thread may have held the allocator's lock.
class Launch {
 public:
  /// Looks the program up, copies the environment, and lifts the descriptors above where they are to go.
  [[nodiscard]] Result<void> prepare(const SpawnSpec& spec);

  /// Forks a subreaper and that the program, and waits until this was executed or could not be. Call once, after
  /// prepare().
  [[nodiscard]] Result<Launched> start();

  /// After start(): where the program's bind() and listen() arrive, if that was asked for and the kernel grants it.
  [[nodiscard]] Fd take_socket_calls() noexcept { return std::move(socket_calls_); }

 private:
  /// How far it came, as subreaper and program report.
  enum class Step : int { fork, forked, descriptors, directory, exec };
  struct Report {
    Step step;
    int value;  ///< forked: the program's pid; else why that step failed, an errno
  };

  [[nodiscard]] Result<void> find_program(const SpawnSpec& spec);
  void copy_environment(const SpawnSpec& spec);
  [[nodiscard]] Result<void> lift_descriptors(const SpawnSpec& spec);
  [[nodiscard]] Result<void> connect_child();
  [[nodiscard]] Result<pid_t> await_exec(int reports) const;
  [[nodiscard]] Error explain(const Report& failure) const;

  [[noreturn]] void stand_above_program(pid_t parent, int link, int reports) const noexcept;
  [[noreturn]] void become_program(pid_t parent, int reports) const noexcept;
  void give_socket_calls() const noexcept;
  [[nodiscard]] bool arrange_descriptors() const noexcept;
  void write_listen_pid() const noexcept;

  std::string program_;    // for execve, from directory_
  std::string directory_;  // empty: ours
  std::vector<std::string> arguments_;
  std::vector<std::string> environment_;
  std::vector<char*> argv_;     // into arguments_, null-terminated
  std::vector<char*> envp_;     // into environment_, null-terminated
  char* listen_pid_ = nullptr;  // where the child writes its pid, in environment_
  std::vector<Fd> passed_;      // all above their later places 3, 4, ...
  Fd null_;
  Fd output_;  // what its standard output becomes; none: it inherits ours
  Fd error_;
  bool hear_paths_ = false;
  Fd to_sidecar_;  // the child's end of what the descriptor for its system calls is sent over; none: not asked for
  Fd from_child_;
  Fd socket_calls_;
};

}  // namespace midair::sidecar
