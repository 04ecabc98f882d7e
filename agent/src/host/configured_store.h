/// @file
/// The object store that the settings name.
#pragma once

#include <memory>
#include <mutex>

#include "midair/host/plugin.h"
#include "midair/host/store_provider.h"

namespace midair::host {

/// Opens the store at the first call of store() that can, by the settings of that moment, and keeps it. Thread-safe.
class ConfiguredStore final : public StoreProvider {
 public:
  /// Keeps a reference to `config`.
  explicit ConfiguredStore(const Config& config) : config_(config) {}
  Result<std::shared_ptr<ObjectStore>> store(StoreUse use) override;

 private:
  const Config& config_;
  std::mutex mutex_;
  std::shared_ptr<ObjectStore> store_;  // guarded by mutex_
};

}  // namespace midair::host
