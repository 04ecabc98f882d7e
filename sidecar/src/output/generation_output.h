/// @file
/// What one generation of the app writes, on its way through the sidecar.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "midair/error.h"
#include "midair/fd.h"
#include "output/output_tail.h"

namespace midair::sidecar {

/// The reading ends of a generation's pipes, and the last lines that came out of them. Thread-safe: relays read, the
/// loop asks for the lines.
class GenerationOutput {
 public:
  /// A pipe for each of `streams`, 1 or 2. `write_ends` are what the generation gets; whom they are passed on to may
  /// open them by name, too (/dev/stdout), as whatever user.
  [[nodiscard]] static Result<std::shared_ptr<GenerationOutput>> open(std::size_t streams, std::vector<Fd>& write_ends);

  /// For poll(). Valid until close().
  [[nodiscard]] int fd(std::size_t stream) const noexcept { return pipes_[stream].get(); }
  /// Takes what there is, never waits: its length, 0 once nobody can write any more, -1 if there is nothing.
  [[nodiscard]] ssize_t read(std::size_t stream, std::span<char> buffer);
  /// Nobody will read that stream any more: who writes gets EPIPE.
  void close(std::size_t stream);

  /// The last lines that were written until now: those too that no relay has taken yet, since it waits for its reader.
  /// Never waits.
  [[nodiscard]] std::vector<std::string> last_lines() const;

 private:
  explicit GenerationOutput(std::vector<Fd> pipes) : pipes_(std::move(pipes)) {}

  mutable std::mutex mutex_;
  std::vector<Fd> pipes_;  // guarded by mutex_, but for fd()
  OutputTail tail_;        // guarded by mutex_: always ends where the pipes begin
};

}  // namespace midair::sidecar
