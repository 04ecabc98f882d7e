/// @file
/// How a plugin gets at the object store that the operator configured.
#pragma once

#include <memory>

#include "midair/error.h"
#include "midair/store/object_store.h"

namespace midair::host {

/// What a command is going to do with the store.
enum class StoreUse {
  read,   ///< a file:// store that isn't there is an error: looking must not leave a directory behind
  write,  ///< a file:// store that isn't there is created
};

/// Opens the configured object store. The host registers one as service "store". Thread-safe.
class StoreProvider {
 public:
  virtual ~StoreProvider() = default;
  /// The store that the settings `store`, `endpoint`, `region`, ... name; opened at the first call that can,
  /// shared by all callers afterwards. Errc::bad_input says which setting is missing or unusable: a command answers
  /// that with kExitConfig; Errc::unavailable, that there is no such store to read.
  virtual Result<std::shared_ptr<ObjectStore>> store(StoreUse use) = 0;
};

}  // namespace midair::host
