#include "midair/host/fleet/cleaner.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <mutex>
#include <optional>
#include <set>
#include <string_view>

#include "midair/parallel.h"

namespace midair::host {

namespace {

constexpr std::chrono::milliseconds kTimeForAll = std::chrono::seconds(30);
constexpr std::string_view kTarballSuffix = ".tar.gz";
/// FlyDeploy's for machines that it replaces one after the other: those may need theirs at their next start.
constexpr std::string_view kBlueGreenSuffix = "-blue_green.tar.gz";

/// Prefixes of apps whose names continue this one's, "releases/web-api-" beside "releases/web-": theirs is not ours.
std::set<std::string> prefixes_of_other_apps(const CleanupInput& input) {
  constexpr std::array<std::string_view, 5> marks{"-current.json", "-deploy.lock", "-history/", "-machines/",
                                                  "-results/"};
  std::set<std::string> prefixes;
  const auto own = input.layout.tarball_prefix();
  for (const auto& object : input.objects) {
    for (const auto mark : marks) {
      const auto at = object.key.find(mark, own.size());
      if (at != std::string::npos) prefixes.insert(object.key.substr(0, at + 1));
    }
  }
  return prefixes;
}

/// The upgrades whose results may go: those that the history names, beyond the pointer's and the newest. Results of
/// anything else are another publisher's.
std::set<std::string> stale_upgrades(const PublishedState& published) {
  std::set<std::string> kept;
  std::set<std::string> stale;
  const auto sort_in = [&](const Pointer& pointer) {
    if (!pointer.hot_upgrade()) return;
    auto id = upgrade_id_of(pointer.hot_upgrade()->hot_ref);
    if (kept.contains(id)) return;
    (kept.size() < kKeptUpgrades ? kept : stale).insert(std::move(id));
  };
  for (const auto& pointer : published.publications()) sort_in(pointer);
  return stale;
}

std::set<std::string> kept_tarballs(const ObjectStore& store, const CleanupInput& input,
                                    const std::vector<Pointer>& publications) {
  std::set<std::string> kept;
  for (const auto& pointer : publications) {
    if (const auto key = store.key_of(pointer.blue_green_tarball_url())) kept.insert(*key);
    if (!pointer.hot_upgrade()) continue;
    kept.insert(input.layout.tarball(pointer.hot_upgrade()->version));
    if (const auto key = store.key_of(pointer.hot_upgrade()->tarball_url)) kept.insert(*key);
  }
  if (input.published.current)
    if (const auto& good = input.published.current->pointer.last_good()) {
      kept.insert(input.layout.tarball(good->version));
      if (const auto key = store.key_of(good->tarball_url)) kept.insert(*key);
    }
  for (const auto& machine : input.machines)
    if (!machine.record.version.empty()) kept.insert(input.layout.tarball(machine.record.version));
  return kept;
}

bool everything_is_readable(const CleanupInput& input) {
  // A machine that is stopped will want its release when it starts, so its record counts whatever the platform says.
  return input.published.history.complete && std::ranges::none_of(input.machines, &FleetMachine::record_unreadable);
}

/// "01J..." of "releases/<app>-results/01J.../machine.json"; empty for other keys.
std::string upgrade_of(const std::string& key, const StoreLayout& layout) {
  const auto prefix = layout.results_prefix();
  const auto end = key.find('/', prefix.size());
  if (!key.starts_with(prefix) || end == std::string::npos) return {};
  return key.substr(prefix.size(), end - prefix.size());
}

}  // namespace

std::vector<std::string> plan_cleanup(const ObjectStore& store, const CleanupInput& input) {
  const auto publications = input.published.publications();
  const auto others = prefixes_of_other_apps(input);
  const auto stale = stale_upgrades(input.published);
  const auto tarballs = kept_tarballs(store, input, publications);
  const bool tarballs_may_go = everything_is_readable(input);
  const auto prefix = input.layout.tarball_prefix();

  const auto is_stale_tarball = [&](const ObjectInfo& object) {
    const auto& key = object.key;
    const bool is_tarball = key.ends_with(kTarballSuffix) && !key.ends_with(kBlueGreenSuffix) &&
                            key.find('/', prefix.size()) == std::string::npos;
    const bool is_old = object.modified && input.now - *object.modified >= kMinTarballAge;
    const bool is_others = std::ranges::any_of(others, [&](const auto& other) { return key.starts_with(other); });
    return is_tarball && is_old && !is_others && !tarballs.contains(key);
  };

  std::vector<std::string> doomed;
  for (const auto& object : input.objects) {
    const auto upgrade = upgrade_of(object.key, input.layout);
    if (!upgrade.empty() ? stale.contains(upgrade) : tarballs_may_go && is_stale_tarball(object))
      doomed.push_back(object.key);
  }
  return doomed;
}

Result<std::size_t> clean_up(ObjectStore& store, MachineDirectory& directory, const Clock& clock,
                             const DeployLock& lock, const StoreLayout& layout, const std::stop_token& stop) {
  const auto deadline = clock.now() + kTimeForAll;
  const CallLimits limits{kTimeForAll, stop};
  CleanupInput input{layout, {}, {}, {}, clock.wall()};
  MIDAIR_TRY_ASSIGN(input.objects, store.list(layout.tarball_prefix(), limits));
  MIDAIR_TRY_ASSIGN(input.published, read_published_state(store, layout, limits));
  MIDAIR_TRY_ASSIGN(input.machines, directory.machines(store, layout.app, limits));
  const auto doomed = plan_cleanup(store, input);

  std::atomic<std::size_t> removed{0};
  std::mutex mutex;
  std::optional<Error> trouble;
  for_each_parallel(doomed.size(), [&](std::size_t i) {
    const auto left = std::chrono::floor<std::chrono::milliseconds>(deadline - clock.now());
    if (left.count() <= 0 || !lock.held() || stop.stop_requested()) return;
    if (auto result = store.remove(doomed[i], {left, stop}); result.ok()) {
      ++removed;
    } else {
      const std::lock_guard guard(mutex);
      trouble = std::move(result).error();
    }
  });
  if (trouble) return *trouble;
  return removed.load();
}

}  // namespace midair::host
