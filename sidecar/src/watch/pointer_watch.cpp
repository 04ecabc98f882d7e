#include "watch/pointer_watch.h"

#include <algorithm>

#include "midair/release/layout.h"
#include "midair/release/pointer.h"

namespace midair::sidecar {

PointerWatch::PointerWatch(ObjectStore& store, const TrustPolicy& policy, Identity identity,
                           std::uint64_t highest_sequence, std::chrono::milliseconds refresh, const Clock& clock)
    : store_(store),
      policy_(policy),
      identity_(std::move(identity)),
      refresh_(refresh),
      clock_(clock),
      highest_sequence_(highest_sequence) {}

Result<PointerWatch::Seen> PointerWatch::read(const CallLimits& limits) {
  auto read = get_news(store_, StoreLayout{identity_.app}.pointer(), kMaxPointerBytes,
                       refresh_is_due() ? Etag() : etag_, limits);
  if (!read) {
    if (read.error().code == Errc::not_found) return Seen::missing;
    return read.error();
  }
  if (!*read) return Seen::not_modified;

  auto& [bytes, etag] = **read;
  const auto decision = policy_.decide(bytes, identity_, highest_sequence_, store_);
  if (!decision && decision.error().code == Errc::corrupt) return decision.error();
  refreshed_ = clock_.now();
  etag_ = std::move(etag);
  if (bytes == bytes_) return Seen::same;
  bytes_ = std::move(bytes);
  return Seen::changed;
}

Result<Decision> PointerWatch::decide() const { return policy_.decide(bytes_, identity_, highest_sequence_, store_); }

std::optional<Target> PointerWatch::last_good() const { return policy_.last_good(bytes_, identity_, store_); }

Target PointerWatch::named() const {
  Target target;
  const auto pointer = Pointer::parse(bytes_, StoreLayout{identity_.app}.pointer());
  if (!pointer || !pointer->hot_upgrade()) return target;
  const HotUpgrade& upgrade = *pointer->hot_upgrade();
  if (upgrade.hot_ref.size() > kMaxHotRef) return target;
  target.name() = upgrade.name();
  target.upgrade_id = upgrade_id_of(upgrade.hot_ref);
  return target;
}

void PointerWatch::trust(std::uint64_t sequence) { highest_sequence_ = std::max(highest_sequence_, sequence); }

bool PointerWatch::refresh_is_due() const { return clock_.now() - refreshed_ >= refresh_; }

}  // namespace midair::sidecar
