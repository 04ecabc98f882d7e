/// @file
/// Old processes that finish what they had begun, as they are told.
#pragma once

#include "midair/release/machine_state.h"
#include "process/supervisor.h"

namespace midair::sidecar {

/// One of Supervisor::draining().
[[nodiscard]] inline DrainingProcess draining_process(const Generation& old, const Supervisor& supervisor) {
  DrainingProcess process{old.release.version, format_rfc3339(old.drains_since),
                          format_rfc3339(old.drains_since + supervisor.drain_timeout())};
  if (!old.drain || !old.drain->report()) return process;
  const IdleCloser::Report& report = *old.drain->report();
  process.busy = report.busy;
  process.idle = report.idle;
  process.streaming = report.streaming;
  return process;
}

}  // namespace midair::sidecar
