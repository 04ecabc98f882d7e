/// @file
/// An object store in memory: the double that tests and users of Midair's libraries share.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "midair/error.h"
#include "midair/store/object_store.h"

namespace midair {

/// Keeps objects until it is destroyed. Same conditional semantics as S3. Thread-safe.
class MemoryObjectStore final : public ObjectStore {
 public:
  Result<GetAnswer> get(const GetRequest& request, ByteSink& sink, const CallLimits& limits) override;
  Result<Etag> put(const std::string& key, ByteSource& body, const PutCondition& condition,
                   const CallLimits& limits) override;
  Result<ObjectInfo> head(const std::string& key, const CallLimits& limits) override;
  Result<void> remove(const std::string& key, const CallLimits& limits, const Etag& if_match = {}) override;
  Result<std::vector<ObjectInfo>> list(const std::string& prefix, const CallLimits& limits) override;
  [[nodiscard]] std::string url_of(const std::string& key) const override;
  [[nodiscard]] std::optional<std::string> key_of(std::string_view url) const override;
  [[nodiscard]] std::string name() const override { return "memory:"; }

 private:
  struct Object {
    std::shared_ptr<const std::string> bytes;  ///< never null; readers keep it alive while it is replaced
    Etag etag;
    std::chrono::system_clock::time_point modified;
  };

  [[nodiscard]] std::optional<Object> find(const std::string& key) const;

  mutable std::mutex mutex_;
  std::map<std::string, Object> objects_;  ///< guarded by mutex_
  std::uint64_t versions_ = 0;             ///< guarded by mutex_; the last ETag given out
};

}  // namespace midair
