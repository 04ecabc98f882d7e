/// @file
/// Between the app and the sidecar's own output.
#pragma once

#include <memory>
#include <string>

#include "output/generation_output.h"
#include "output/output_relay.h"

namespace midair::sidecar {

/// What a generation writes to: descriptors of the tap's making, or ours.
struct OutputEnds {
  std::shared_ptr<GenerationOutput> output{};  ///< none: both are ours
  int standard_output = -1;                    ///< -1: ours
  int standard_error = -1;
  std::vector<Fd> owned{};  ///< what those two are; close them once the generation has them
};

/// Leads what generations write through pipes to our own standard output and error, and remembers their last lines.
///
/// A stream of ours that is a terminal is left to the app, which may look for one; unless lines are to be labelled.
/// Where both of ours are one file both of the app's are one pipe, so that their order stays. On the loop thread.
class OutputTap {
 public:
  enum class Labels { no, yes };

  explicit OutputTap(Labels labels);

  /// For a generation that is about to be started. Where there can be no pipe it gets our own, and the log says so.
  [[nodiscard]] OutputEnds open(unsigned generation, const std::string& version);

  /// Every generation has ended: waits until what they wrote is where it was to go, as long as that moves.
  void finish();

 private:
  [[nodiscard]] std::vector<OutputRelay*> relays() const;

  const Labels labels_;
  std::unique_ptr<OutputRelay> output_;  ///< to our standard output, and our standard error if that is the same
  std::unique_ptr<OutputRelay> error_;
  bool one_file_ = false;
};

}  // namespace midair::sidecar
