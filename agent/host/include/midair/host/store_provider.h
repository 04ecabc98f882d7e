/// @file
/// How a plugin gets at the object store that the operator configured.
#pragma once

#include <memory>

#include "midair/error.h"
#include "midair/store/object_store.h"

namespace midair::host {

/// Opens the configured object store. The host registers one as service "store". Thread-safe.
class StoreProvider {
 public:
  virtual ~StoreProvider() = default;
  /// The store that the settings `store`, `endpoint`, `region`, ... name; opened at the first call, shared by all
  /// callers afterwards. Errc::bad_input says which setting is missing or unusable: a command answers that with
  /// kExitConfig.
  virtual Result<std::shared_ptr<ObjectStore>> store() = 0;
};

}  // namespace midair::host
