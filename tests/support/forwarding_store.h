/// @file
/// An object store that hands everything on, so that a test overrides the one call that it is about.
#pragma once

#include "midair/store/object_store.h"

namespace midair {

class ForwardingStore : public ObjectStore {
 public:
  explicit ForwardingStore(ObjectStore& store) : store_(store) {}

  Result<GetAnswer> get(const GetRequest& request, ByteSink& sink, const CallLimits& limits) override {
    return store_.get(request, sink, limits);
  }
  Result<Etag> put(const std::string& key, ByteSource& body, const PutCondition& condition,
                   const CallLimits& limits) override {
    return store_.put(key, body, condition, limits);
  }
  Result<ObjectInfo> head(const std::string& key, const CallLimits& limits) override {
    return store_.head(key, limits);
  }
  Result<void> remove(const std::string& key, const CallLimits& limits, const Etag& if_match) override {
    return store_.remove(key, limits, if_match);
  }
  Result<std::vector<ObjectInfo>> list(const std::string& prefix, const CallLimits& limits) override {
    return store_.list(prefix, limits);
  }
  [[nodiscard]] std::string url_of(const std::string& key) const override { return store_.url_of(key); }
  [[nodiscard]] std::optional<std::string> key_of(std::string_view url) const override { return store_.key_of(url); }
  [[nodiscard]] std::string name() const override { return store_.name(); }

 private:
  ObjectStore& store_;
};

}  // namespace midair
