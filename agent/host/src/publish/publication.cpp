#include "midair/host/publish/publication.h"

#include "midair/fault.h"
#include "midair/host/publish/conditional_put.h"
#include "midair/log.h"
#include "midair/store/tigris.h"

namespace midair::host {

namespace {

Error overtaken(const StoreLayout& layout, const CurrentPointer& theirs) {
  std::string cause = "somebody else changed it";
  if (const auto& upgrade = theirs.pointer.hot_upgrade())
    cause = "somebody else published sequence " + std::to_string(upgrade->sequence) + " (version " + upgrade->version +
            ") at " + upgrade->deployed_at;
  return {Errc::precondition, "replace the pointer", layout.pointer(), cause,
          "midair status, and publish again if this release is still wanted"};
}

/// Writes the history entry.
Result<Etag> record(ObjectStore& store, const std::string& key, const std::string& text) {
  MIDAIR_TRY_ASSIGN(const auto etag, conditional_put(store, key, text, PutCondition::if_absent(), {}));
  if (etag) return *etag;
  return Error{Errc::precondition, "write the history", key, "somebody else publishes at this moment",
               "midair status, and publish again if this release is still wanted"};
}

/// The compare-and-swap.
Result<void> swap(ObjectStore& store, DeployLock& lock, const StoreLayout& layout,
                  const std::optional<CurrentPointer>& before, const std::string& text) {
  MIDAIR_TRY(lock.renew());
  const auto condition = before ? PutCondition::if_match(before->etag) : PutCondition::if_absent();
  MIDAIR_TRY_ASSIGN(const auto etag, conditional_put(store, layout.pointer(), text, condition, {}));
  if (etag) return {};
  MIDAIR_TRY_ASSIGN(const auto now, read_pointer(store, layout, {}));
  if (now) return overtaken(layout, *now);
  return Error{Errc::precondition, "replace the pointer", layout.pointer(), "somebody removed it", "midair status"};
}

}  // namespace

Result<HotUpgrade> publish(ObjectStore& store, const Clock& clock, DeployLock& lock, const StoreLayout& layout,
                           const PublishedState& state, Predecessor predecessor, HotUpgrade upgrade) {
  if (state.fence() > lock.fence()) return overtaken(layout, *state.current);
  upgrade.deployed_at = format_rfc3339(clock.wall());
  MIDAIR_TRY_ASSIGN(upgrade.sequence, state.next_sequence());
  upgrade.fence = lock.fence();
  if (state.current && state.current->pointer.hot_upgrade())
    upgrade.tarball_url = under_the_name_of(upgrade.tarball_url, state.current->pointer.hot_upgrade()->tarball_url);
  auto pointer =
      state.current ? state.current->pointer : Pointer::for_base_image(upgrade.base_image_ref, upgrade.deployed_at);
  if (predecessor == Predecessor::good && pointer.hot_upgrade()) pointer.keep_as_last_good();
  pointer.set_hot_upgrade(upgrade, upgrade.deployed_at);
  const auto text = pointer.to_json();

  const auto history_key = layout.history(upgrade.sequence);
  MIDAIR_TRY_ASSIGN(const auto history_etag, record(store, history_key, text));
  if (auto injected = fault("publish.recorded")) return *injected;
  if (auto swapped = swap(store, lock, layout, state.current, text); !swapped.ok()) {
    if (swapped.error().code == Errc::precondition)
      if (const auto removed = store.remove(history_key, {}, history_etag); !removed.ok())
        log(LogLevel::warning, "history.not_taken_back", {{"key", history_key}, {"error", removed.error().message()}});
    return std::move(swapped).error();
  }
  if (auto injected = fault("publish.swapped")) return *injected;
  return upgrade;
}

Result<std::optional<Pointer>> refuse(ObjectStore& store, DeployLock& lock, const StoreLayout& layout,
                                      const HotUpgrade& published) {
  MIDAIR_TRY_ASSIGN(auto current, read_pointer(store, layout, {}));
  const auto& named = current ? current->pointer.hot_upgrade() : std::nullopt;
  if (!named || named->hot_ref != published.hot_ref || named->fence != lock.fence()) return std::optional<Pointer>();
  current->pointer.refuse();
  MIDAIR_TRY(lock.renew());
  MIDAIR_TRY_ASSIGN(const auto etag, conditional_put(store, layout.pointer(), current->pointer.to_json(),
                                                     PutCondition::if_match(current->etag), {}));
  if (!etag) return std::optional<Pointer>();
  return std::optional(std::move(current->pointer));
}

}  // namespace midair::host
