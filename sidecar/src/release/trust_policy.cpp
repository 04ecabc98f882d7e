#include "release/trust_policy.h"

#include <algorithm>

#include "midair/digest.h"
#include "midair/foreign_text.h"
#include "midair/release/features.h"
#include "midair/release/layout.h"
#include "midair/release/manifest.h"
#include "midair/release/pointer.h"

namespace midair::sidecar {

namespace {

Error refused(const HotUpgrade& upgrade, std::string cause, std::string hint = "publish the release again") {
  const std::string name = upgrade.version.empty() ? upgrade.hot_ref : upgrade.version;
  return {Errc::refused, "accept the release", name, std::move(cause), std::move(hint)};
}

/// It becomes part of keys, environments and log lines.
bool is_hot_ref(std::string_view text) {
  return !text.empty() && text.size() <= kMaxHotRef &&
         std::ranges::all_of(text, [](char c) { return c > ' ' && c <= '~'; });
}

/// The tarball's key, if the pointer's address is the one place where this app's release may lie.
Result<std::string> key_of_tarball(const HotUpgrade& upgrade, const std::string& app, const ObjectStore& store) {
  const auto key = store.key_of(upgrade.tarball_url);
  if (!key)
    return refused(upgrade, "its tarball_url does not lie in our store, " + store.name(),
                   "give agent and sidecar the same store");
  const std::string expected = StoreLayout{app}.tarball(upgrade.version);
  if (*key != expected)
    return refused(upgrade, "its tarball is " + *key + ", but this machine runs releases from " + expected + " only",
                   "give agent and sidecar the same --app");
  return *key;
}

Result<void> check_tarball(const HotUpgrade& upgrade, std::uint64_t max_size) {
  if (!is_sha256_hex(upgrade.digest))  // FlyDeploy publishes none
    return refused(upgrade, "the pointer gives no SHA-256 for its tarball", "publish it with midair hot");
  if (upgrade.size == 0) return refused(upgrade, "the pointer gives no size for its tarball");
  if (upgrade.size > max_size)
    return refused(upgrade,
                   "its tarball has " + std::to_string(upgrade.size) + " bytes, more than the " +
                       std::to_string(max_size) + " allowed",
                   "ship less in it");
  return {};
}

Result<void> check_release(const HotUpgrade& upgrade, std::uint64_t highest_sequence) {
  if (!is_hot_ref(upgrade.hot_ref)) return refused(upgrade, "its source_image_ref is empty, too long or not printable");
  if (auto checked = check_version(upgrade.version); !checked) return refused(upgrade, checked.error().cause);
  if (upgrade.sequence < highest_sequence)
    return refused(upgrade,
                   "its sequence " + std::to_string(upgrade.sequence) + " is a rollback: this machine has trusted " +
                       std::to_string(highest_sequence),
                   "to go back, publish the older release anew with midair hot");
  return {};
}

/// "handover and in-place".
std::string enumerate(const std::vector<std::string>& names) {
  std::string text;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (i > 0) text += i + 1 < names.size() ? ", " : " and ";
    text += names[i];
  }
  return text;
}

}  // namespace

Result<void> DigestTrustPolicy::check_strategy(const HotUpgrade& upgrade) const {
  const std::string& wanted = upgrade.strategy;
  if (wanted.empty() || std::find(strategies_.begin(), strategies_.end(), wanted) != strategies_.end()) return {};
  return refused(upgrade, "this sidecar does not know the strategy '" + wanted + "', only " + enumerate(strategies_),
                 "build the image with a newer midair-sidecar");
}

Result<Decision> DigestTrustPolicy::decide(std::string_view pointer_bytes, const Identity& identity,
                                           std::uint64_t highest_sequence, const ObjectStore& store) const {
  MIDAIR_TRY_ASSIGN(const Pointer pointer, Pointer::parse(pointer_bytes, StoreLayout{identity.app}.pointer()));
  if (!pointer.hot_upgrade()) return Decision{{}, "the pointer names no hot upgrade"};
  if (!pointer.is_for(identity.base_image_ref))
    return Decision{{},
                    "the pointer is for " +
                        (pointer.image_ref().empty() ? "no base image" : "base image " + pointer.image_ref()) +
                        ", this machine runs " + identity.base_image_ref};

  const HotUpgrade& upgrade = *pointer.hot_upgrade();
  if (const auto missing = missing_features(upgrade.required_features, known_features()); !missing.empty())
    return Decision{{},
                    "version " + printable(upgrade.version) + " requires " + list_features(missing) +
                        ", which this sidecar doesn't know"};
  MIDAIR_TRY_ASSIGN(Target target, accept(upgrade, identity, highest_sequence, store));
  return Decision{std::move(target), {}, pointer.refused(), last_good(pointer_bytes, identity, store)};
}

std::optional<Target> DigestTrustPolicy::last_good(std::string_view pointer_bytes, const Identity& identity,
                                                   const ObjectStore& store) const {
  const auto pointer = Pointer::parse(pointer_bytes, StoreLayout{identity.app}.pointer());
  if (!pointer || !pointer->last_good()) return std::nullopt;
  const HotUpgrade& good = *pointer->last_good();
  if (good.base_image_ref != identity.base_image_ref) return std::nullopt;
  if (!missing_features(good.required_features, known_features()).empty()) return std::nullopt;
  auto target = accept(good, identity, 0, store);
  return target ? std::optional(*std::move(target)) : std::nullopt;
}

Result<Target> DigestTrustPolicy::accept(const HotUpgrade& upgrade, const Identity& identity,
                                         std::uint64_t highest_sequence, const ObjectStore& store) const {
  MIDAIR_TRY(check_release(upgrade, highest_sequence));
  MIDAIR_TRY(check_strategy(upgrade));
  MIDAIR_TRY_ASSIGN(const std::string key, key_of_tarball(upgrade, identity.app, store));
  MIDAIR_TRY(check_tarball(upgrade, max_size_));

  Target target;
  target.name() = upgrade.name();
  target.upgrade_id = upgrade_id_of(upgrade.hot_ref);
  target.key = key;
  target.strategy = upgrade.strategy.empty() ? kHandover : upgrade.strategy;
  target.size = upgrade.size;
  return target;
}

}  // namespace midair::sidecar
