/// @file
/// From the pipes of all generations to one stream of the sidecar's own.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>

#include "output/generation_output.h"

namespace midair::sidecar {

/// A thread of its own writes what comes out of the pipes to a descriptor, byte for byte, each pipe's in its order. It
/// alone waits for whoever reads there: meanwhile pipes fill up, and who writes into them waits as well. It keeps
/// 64 KiB of its own. Lines that the kernel took whole stay whole: it never writes more of them at once than that does.
///
/// Where nobody will ever read again (EPIPE), the pipes are closed, so that the app learns it as without a sidecar.
/// What the descriptor refuses for another reason (a full disk) is lost, and the log says how much (`output.lost`).
///
/// The descriptor stays in blocking mode: its open file is shared with others. All calls on one thread.
class OutputRelay {
 public:
  /// `fd` must outlive the process. Errc::io if there can be no thread.
  [[nodiscard]] static Result<std::unique_ptr<OutputRelay>> start(int fd);
  OutputRelay(const OutputRelay&) = delete;
  OutputRelay& operator=(const OutputRelay&) = delete;
  ~OutputRelay();

  /// From now on that stream of `output` is relayed, until nobody can write any more; with `label` before each line.
  void add(std::shared_ptr<GenerationOutput> output, std::size_t stream, std::optional<std::string> label);

  /// Nobody writes any more: it is to end when all that was written is relayed.
  void begin_to_end();
  /// After begin_to_end(): waits for that, as long as something moves. False if for `patience` nothing does, or a
  /// process that was left behind never stops.
  [[nodiscard]] bool await_end(std::chrono::milliseconds patience);

 private:
  class Pump;
  explicit OutputRelay(std::shared_ptr<Pump> pump) : pump_(std::move(pump)) {}

  std::shared_ptr<Pump> pump_;  ///< shared with the thread, which is left behind where its last write never ends
};

}  // namespace midair::sidecar
