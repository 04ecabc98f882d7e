/// @file
/// What an earlier run of the sidecar left on this disk.
#pragma once

#include "release/release_ref.h"
#include "release/trust_policy.h"
#include "release/writable_links.h"
#include "state/attempts.h"
#include "state/state_dir.h"
#include "status/announcer.h"

namespace midair::sidecar {

/// Clears away what is half done, and returns what is committed here and still sound, else the base image. A swap that
/// was interrupted while it was being rolled back is refused from now on; so is a committed release that ended soon
/// after each of its last starts. For the start, before any process; errors are logged, never fatal.
[[nodiscard]] ReleaseRef recover(const StateDir& dir, const Identity& identity, const ReleaseRef& base_image,
                                 const WritableLinks& links, Attempts& attempts, Announcer& announcer);

}  // namespace midair::sidecar
