/// @file
/// `releases/<app>-history/`: every pointer ever published.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "midair/release/layout.h"
#include "midair/release/pointer.h"
#include "midair/store/object_store.h"

namespace midair::host {

/// So many publications are remembered in detail: their tarballs are kept, their versions are taken.
inline constexpr std::size_t kRecentPublications = 10;

/// The end of an app's history.
struct History {
  std::uint64_t last_sequence = 0;  ///< 0: nothing was ever published
  std::vector<Pointer> recent;      ///< the readable ones of the last kRecentPublications, newest first
  bool complete = true;             ///< false: one of those could not be read, so `recent` misses something
};

/// One LIST and at most kRecentPublications GETs.
[[nodiscard]] Result<History> read_history(ObjectStore& store, const StoreLayout& layout, const CallLimits& limits);

}  // namespace midair::host
