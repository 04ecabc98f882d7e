/// @file
/// What the tests of publishing and of fleets share: stores that misbehave, a clock that moves by waiting, documents.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <mutex>
#include <string>

#include "forwarding_store.h"
#include "midair/clock.h"
#include "midair/host/fleet/fleet_machine.h"
#include "midair/pause.h"
#include "midair/release/layout.h"
#include "midair/release/machine_state.h"
#include "midair/release/pointer.h"
#include "midair/store/memory_object_store.h"
#include "result_asserts.h"

namespace midair::host {

inline const StoreLayout kLayout{"web"};
inline const std::string kBase = "registry.fly.io/web:deployment-01JBASE";

/// A pause that takes no time: it moves the clock, then lets `meanwhile` happen.
inline Pause moving(ManualClock& clock, std::function<void()> meanwhile = {}) {
  return [&clock, meanwhile = std::move(meanwhile)](std::chrono::milliseconds duration, const std::stop_token&) {
    clock.advance(duration);
    if (meanwhile) meanwhile();
  };
}

/// Counts calls by verb ("get", "put", "head", "remove", "list"), and gets answered with "not modified".
class CountingStore : public ForwardingStore {
 public:
  using ForwardingStore::ForwardingStore;
  Result<GetAnswer> get(const GetRequest& request, ByteSink& sink, const CallLimits& limits) override {
    count("get");
    auto answer = ForwardingStore::get(request, sink, limits);
    if (answer.ok() && answer->not_modified) count("not modified");
    return answer;
  }
  Result<Etag> put(const std::string& key, ByteSource& body, const PutCondition& condition,
                   const CallLimits& limits) override {
    count("put");
    return ForwardingStore::put(key, body, condition, limits);
  }
  Result<ObjectInfo> head(const std::string& key, const CallLimits& limits) override {
    count("head");
    return ForwardingStore::head(key, limits);
  }
  Result<void> remove(const std::string& key, const CallLimits& limits, const Etag& if_match) override {
    count("remove");
    return ForwardingStore::remove(key, limits, if_match);
  }
  Result<std::vector<ObjectInfo>> list(const std::string& prefix, const CallLimits& limits) override {
    count("list");
    return ForwardingStore::list(prefix, limits);
  }

  /// How often `verb` was called since the last time it was asked.
  int take(const std::string& verb) {
    const std::lock_guard lock(mutex_);
    return std::exchange(calls_[verb], 0);
  }

 private:
  void count(const char* verb) {
    const std::lock_guard lock(mutex_);
    ++calls_[verb];
  }

  std::mutex mutex_;
  std::map<std::string, int> calls_;
};

/// Runs `before_call` before each call; an error that it returns is the call's answer.
class ScriptedStore : public ForwardingStore {
 public:
  using Script = std::function<Result<void>(const std::string& verb, const std::string& key)>;
  ScriptedStore(ObjectStore& store, Script before_call) : ForwardingStore(store), before_(std::move(before_call)) {}

  Result<GetAnswer> get(const GetRequest& request, ByteSink& sink, const CallLimits& limits) override {
    MIDAIR_TRY(before_("get", request.key));
    return ForwardingStore::get(request, sink, limits);
  }
  Result<Etag> put(const std::string& key, ByteSource& body, const PutCondition& condition,
                   const CallLimits& limits) override {
    MIDAIR_TRY(before_("put", key));
    return ForwardingStore::put(key, body, condition, limits);
  }
  Result<ObjectInfo> head(const std::string& key, const CallLimits& limits) override {
    MIDAIR_TRY(before_("head", key));
    return ForwardingStore::head(key, limits);
  }
  Result<void> remove(const std::string& key, const CallLimits& limits, const Etag& if_match) override {
    MIDAIR_TRY(before_("remove", key));
    return ForwardingStore::remove(key, limits, if_match);
  }
  Result<std::vector<ObjectInfo>> list(const std::string& prefix, const CallLimits& limits) override {
    MIDAIR_TRY(before_("list", prefix));
    return ForwardingStore::list(prefix, limits);
  }

 private:
  const Script before_;
};

/// Does a conditional put on `key`, then says that its outcome is unknown.
class LostAnswerStore : public ForwardingStore {
 public:
  LostAnswerStore(ObjectStore& store, std::string key) : ForwardingStore(store), key_(std::move(key)) {}
  Result<Etag> put(const std::string& key, ByteSource& body, const PutCondition& condition,
                   const CallLimits& limits) override {
    auto etag = ForwardingStore::put(key, body, condition, limits);
    if (key != key_ || condition.kind == PutCondition::Kind::none) return etag;
    return Error{Errc::precondition, "store", key, "the answer was lost"};
  }

 private:
  const std::string key_;
};

inline Error store_error(Errc code = Errc::unavailable) { return {code, "ask", "the store", "it is having a bad day"}; }

inline void store_text(ObjectStore& store, const std::string& key, const std::string& text) {
  value_of(put_text(store, key, text, PutCondition::none(), {}));
}

inline std::string text_at(ObjectStore& store, const std::string& key) {
  return value_of(get_text(store, key, 1 << 20, {})).text;
}

inline bool exists(ObjectStore& store, const std::string& key) { return store.head(key, {}).ok(); }

inline MachineRecord machine(const std::string& id, const std::string& base = kBase,
                             MachineState state = MachineState::serving) {
  MachineRecord record;
  record.machine_id = id;
  record.region = "iad";
  record.base_image_ref = base;
  record.fingerprint = fingerprint_of(base, "");
  record.state = state;
  record.sidecar_version = "1";
  record.booted_at = record.updated_at = "2026-01-01T00:00:00.000000Z";
  return record;
}

/// A machine that runs the release of `upgrade`.
inline MachineRecord machine_on(const std::string& id, const HotUpgrade& upgrade, const std::string& base = kBase) {
  auto record = machine(id, base);
  record.name() = upgrade.name();
  record.base_image_ref = base;
  record.fingerprint = fingerprint_of(base, upgrade.hot_ref);
  return record;
}

/// A machine of which nothing but that is believed.
inline FleetMachine member(const std::string& id, const std::string& base = kBase,
                           FleetState state = FleetState::serving) {
  auto machine = as_recorded(host::machine(id, base));
  machine.state = state;
  return machine;
}

inline void check_in(ObjectStore& store, const MachineRecord& record) {
  store_text(store, kLayout.machine(record.machine_id), record.to_json());
}

inline UpgradeResult result_of(const std::string& id, UpgradeStatus status, const std::string& error = {}) {
  UpgradeResult result;
  result.machine_id = id;
  result.region = "iad";
  result.status = status;
  result.error = error;
  result.started_at = "2026-01-01T00:00:00.000000Z";
  if (status != UpgradeStatus::pending) result.applied_at = result.started_at;
  return result;
}

inline void report(ObjectStore& store, const std::string& upgrade_id, const UpgradeResult& result) {
  store_text(store, kLayout.result(upgrade_id, result.machine_id), result.to_json());
}

/// An upgrade as it might stand in a pointer; `id` is its upgrade id.
inline HotUpgrade upgrade_named(const std::string& id, const std::string& version = "v1", std::uint64_t sequence = 1) {
  HotUpgrade upgrade;
  upgrade.name() = {version, std::string(64, 'a'), "midair/web:deployment-" + id, kBase, sequence};
  upgrade.tarball_url = "memory:///" + kLayout.tarball(version);
  upgrade.deployed_at = "2026-01-01T00:00:00.000000Z";
  upgrade.size = 3;
  upgrade.strategy = "handover";
  upgrade.fence = 1;
  return upgrade;
}

inline Pointer pointer_to(HotUpgrade upgrade, const std::string& base = kBase) {
  upgrade.base_image_ref = base;
  auto pointer = Pointer::for_base_image(base, upgrade.deployed_at);
  pointer.set_hot_upgrade(upgrade, upgrade.deployed_at);
  return pointer;
}

}  // namespace midair::host
