/// @file
/// The moment an upgrade becomes real: the history entry, then the pointer.
#pragma once

#include <optional>
#include <string>

#include "midair/clock.h"
#include "midair/host/publish/deploy_lock.h"
#include "midair/host/publish/published_state.h"
#include "midair/release/layout.h"
#include "midair/release/pointer.h"
#include "midair/store/object_store.h"

namespace midair::host {

/// What is known of the release that the pointer names when the next is published.
enum class Predecessor {
  unproven,  ///< no machine has committed it: the pointer's last good release stays what it is
  good,      ///< some machine has: it is the last good release from then on
};

/// Points the fleet with base image `upgrade.base_image_ref` at `upgrade`, whose deployed_at, sequence and fence are
/// filled in here, and whose tarball_url keeps the name of Tigris that the pointer has. Returns it completed.
///
/// `state` is what was read under `lock`. The pointer is replaced by compare-and-swap only, only while the lock is
/// proven to be ours, and never where it carries a higher fence; unknown fields of it survive. A compare-and-swap whose
/// outcome is unknown is looked up. Not interruptible, so that the caller knows: on success it is published; on
/// Errc::precondition (the lock was lost, or somebody else published) it is not, and the history entry was taken back;
/// on any other error it says in `cause` what is unknown.
[[nodiscard]] Result<HotUpgrade> publish(ObjectStore& store, const Clock& clock, DeployLock& lock,
                                         const StoreLayout& layout, const PublishedState& state,
                                         Predecessor predecessor, HotUpgrade upgrade);

/// Marks `published`, which every machine that tried it has failed with, as refused, and returns the pointer that says
/// so; nothing, and no change, if the pointer names it no more. By compare-and-swap, and only while the lock under
/// which it was published is proven to be ours.
[[nodiscard]] Result<std::optional<Pointer>> refuse(ObjectStore& store, DeployLock& lock, const StoreLayout& layout,
                                                    const HotUpgrade& published);

}  // namespace midair::host
