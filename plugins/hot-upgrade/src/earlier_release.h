/// @file
/// Going back: which release, and whether the store still has it.
#pragma once

#include <string>

#include "midair/host/publish/published_state.h"
#include "midair/release/pointer.h"
#include "midair/store/object_store.h"

namespace midair::host::hot {

/// As it was published, the last time that it was: the release of that version; or, if `version` is empty, the
/// pointer's last good release, else the newest of the history that has other bytes than what the pointer names.
/// Errc::not_found, listing what there is, if no publication that is remembered in detail is that.
[[nodiscard]] Result<HotUpgrade> choose_earlier_release(const PublishedState& state, const std::string& version);

/// Errc::not_found if the tarball is gone, Errc::corrupt if another length lies there.
[[nodiscard]] Result<void> check_tarball_is_there(ObjectStore& store, const std::string& key, const HotUpgrade& release,
                                                  const CallLimits& limits);

}  // namespace midair::host::hot
