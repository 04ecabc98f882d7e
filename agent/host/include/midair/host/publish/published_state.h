/// @file
/// What an app's fleet has been told so far.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "midair/host/publish/history.h"
#include "midair/release/layout.h"
#include "midair/release/pointer.h"
#include "midair/store/object_store.h"

namespace midair::host {

/// The pointer as it lies in the store.
struct CurrentPointer {
  Pointer pointer;
  Etag etag;
};

/// The pointer and the end of the history.
struct PublishedState {
  std::optional<CurrentPointer> current;  ///< nothing: never published
  History history;

  /// The sequence of the next publication: higher than any before. Errc::refused at the end of all numbers.
  [[nodiscard]] Result<std::uint64_t> next_sequence() const;
  /// The sequence that the pointer has; 0 if none.
  [[nodiscard]] std::uint64_t sequence() const;
  /// The fence of the lock under which the pointer was published; 0 if none.
  [[nodiscard]] std::uint64_t fence() const;
  /// All that is known of past publications: the pointer, then the recent history, newest first.
  [[nodiscard]] std::vector<Pointer> publications() const;
};

/// Errc::corrupt if the pointer makes no sense: it is not ours to overwrite what we can't read.
[[nodiscard]] Result<PublishedState> read_published_state(ObjectStore& store, const StoreLayout& layout,
                                                          const CallLimits& limits);

/// The pointer alone; nothing if there is none.
[[nodiscard]] Result<std::optional<CurrentPointer>> read_pointer(ObjectStore& store, const StoreLayout& layout,
                                                                 const CallLimits& limits);

/// Brings `current` up to date with one conditional GET. On an error it is left as it is.
[[nodiscard]] Result<void> refresh_pointer(ObjectStore& store, const StoreLayout& layout, const CallLimits& limits,
                                           std::optional<CurrentPointer>& current);

}  // namespace midair::host
