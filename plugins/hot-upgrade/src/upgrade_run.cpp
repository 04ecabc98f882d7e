#include "upgrade_run.h"

#include <algorithm>

#include "earlier_release.h"
#include "midair/backoff.h"
#include "midair/fault.h"
#include "midair/host/fleet/cleaner.h"
#include "midair/host/fleet/follower.h"
#include "midair/host/publish/lock_renewer.h"
#include "midair/host/publish/tarball_upload.h"
#include "midair/host/publish/ulid.h"
#include "midair/human.h"

namespace midair::host::hot {

namespace {

/// Measures one step into a field of StepTimes, also when the step fails.
class Stopwatch {
 public:
  Stopwatch(const Clock& clock, std::chrono::nanoseconds& into) : clock_(clock), into_(into), began_(clock.now()) {}
  Stopwatch(const Stopwatch&) = delete;
  Stopwatch& operator=(const Stopwatch&) = delete;
  ~Stopwatch() { into_ = elapsed(); }
  [[nodiscard]] std::chrono::nanoseconds elapsed() const { return clock_.now() - began_; }

 private:
  const Clock& clock_;
  std::chrono::nanoseconds& into_;
  const BootTime began_;
};

/// How often results are looked for: often while something happens, less and less while nothing does. A request to a
/// store on the network costs money and a round trip.
Backoff pace_for(const ObjectStore& store) {
  const bool is_near = store.name().starts_with("file:");
  return Backoff({.first = std::chrono::milliseconds(is_near ? 200 : 500),
                  .highest = std::chrono::milliseconds(is_near ? 1000 : 2000),
                  .factor = 1.5,
                  .jitter = 0});
}

/// "20261120T213000-7G8H9Z": sorts by time, and its end is that of the upgrade's id.
std::string default_version(const std::string& upgrade_id, WallTime now) {
  std::string text;
  for (const char c : format_rfc3339(now).substr(0, 19))
    if (c != '-' && c != ':') text += c;
  return text + "-" + upgrade_id.substr(upgrade_id.size() - 6);
}

/// The pointer, if it still names that upgrade.
Result<std::optional<Pointer>> pointer_of(ObjectStore& store, const StoreLayout& layout, const HotUpgrade& upgrade) {
  MIDAIR_TRY_ASSIGN(auto current, read_pointer(store, layout, {}));
  const bool is_ours =
      current && current->pointer.hot_upgrade() && current->pointer.hot_upgrade()->hot_ref == upgrade.hot_ref;
  if (!is_ours) return std::optional<Pointer>();
  return std::optional(std::move(current->pointer));
}

Error nothing_published(const Error& error) {
  if (error.code != Errc::cancelled) return error;
  return {Errc::cancelled, "publish", "", "interrupted; nothing was published"};
}

}  // namespace

/// All that is known before anything is written.
struct UpgradeRun::Prepared {
  StoreLayout layout;
  HotUpgrade upgrade;                      ///< but for what publish() fills in
  std::optional<LocalRelease> local;       ///< nothing: the store has its bytes
  std::optional<std::uint64_t> chosen_at;  ///< the sequence of the pointer by which it was chosen
  FleetPlan fleet;

  [[nodiscard]] std::string tarball_key() const { return layout.tarball(upgrade.version); }
};

Result<UpgradeSummary> UpgradeRun::upgrade() {
  UpgradeSummary summary;
  {
    const Stopwatch total(world_.clock, times_.total);
    const auto prepared = prepare(StoreUse::write);
    if (!prepared.ok()) return nothing_published(prepared.error());
    if (auto injected = fault("publish.prepared")) return *injected;
    const auto lock = take_lock(*prepared);
    if (!lock.ok()) return nothing_published(lock.error());
    const LockRenewer renewer(**lock);
    if (auto injected = fault("publish.locked")) return *injected;
    const auto upgrade = upload_and_publish(*prepared, **lock);
    if (!upgrade.ok()) return nothing_published(upgrade.error());

    summary.upgrade = *upgrade;
    summary.upgrade_id = request_.id;
    follow(*prepared, summary);
    if (auto injected = fault("publish.followed")) return *injected;
    if (summary.nowhere() && !summary.interrupted) look_ahead(*prepared, **lock, summary);
    clean_up(*prepared, **lock);
  }
  summary.times = times_;
  tell(summary);
  return summary;
}

Result<UpgradePlan> UpgradeRun::rehearse() {
  MIDAIR_TRY_ASSIGN(const auto prepared, prepare(StoreUse::read));
  MIDAIR_TRY_ASSIGN(const auto state, read_published_state(*store_, prepared.layout, limits()));
  MIDAIR_TRY(check_version_is_free(state.publications(), prepared.upgrade.version, prepared.upgrade.digest));
  UpgradePlan plan;
  plan.tarball_key = prepared.tarball_key();
  plan.upload = UploadOutcome::already_there;
  MIDAIR_TRY_ASSIGN(plan.sequence, state.next_sequence());
  if (prepared.local) {
    MIDAIR_TRY_ASSIGN(plan.upload, probe_tarball(*store_, plan.tarball_key, prepared.local->tarball(), stop_));
  }
  tell(plan);
  return plan;
}

Result<UpgradeRun::Prepared> UpgradeRun::prepare(StoreUse use) {
  MIDAIR_TRY(check_app_name(request_.app));
  Prepared prepared;
  prepared.layout.app = request_.app;
  if (!request_.again) MIDAIR_TRY(pack(prepared));
  MIDAIR_TRY_ASSIGN(store_, world_.stores.store(use));
  if (request_.again) MIDAIR_TRY(choose(prepared));
  MIDAIR_TRY(look(prepared));
  return prepared;
}

Result<void> UpgradeRun::pack(Prepared& prepared) {
  const Stopwatch watch(world_.clock, times_.pack);
  MIDAIR_TRY_ASSIGN(const auto version,
                    choose_version(request_.from, request_.version, default_version(request_.id, world_.clock.wall())));
  tell(UpgradeProgress{"packing " + request_.from.string()});
  MIDAIR_TRY_ASSIGN(prepared.local, pack_locally(request_.from, request_.app, version, request_.packing, stop_));
  const auto& packed = prepared.local->packed;
  tell(ReleasePacked{packed.manifest.app, packed.manifest.version, packed.manifest.strategy,
                     packed.manifest.files.size(), packed.size, packed.unpacked_size, packed.digest,
                     packed.manifest.required_features, watch.elapsed(), packed.left_out});
  for (const auto& notice : packed.notices) tell(UpgradeNotice{notice});
  prepared.upgrade.version = packed.manifest.version;
  prepared.upgrade.digest = packed.digest;
  prepared.upgrade.size = packed.size;
  prepared.upgrade.strategy = packed.manifest.strategy;
  prepared.upgrade.required_features = packed.manifest.required_features;
  return {};
}

Result<void> UpgradeRun::choose(Prepared& prepared) {
  MIDAIR_TRY_ASSIGN(const auto state, read_published_state(*store_, prepared.layout, limits()));
  MIDAIR_TRY_ASSIGN(prepared.upgrade, choose_earlier_release(state, *request_.again));
  MIDAIR_TRY(check_tarball_is_there(*store_, prepared.tarball_key(), prepared.upgrade, limits()));
  prepared.chosen_at = state.sequence();
  tell(ReleaseChosen{prepared.upgrade});
  return {};
}

Result<void> UpgradeRun::look(Prepared& prepared) {
  MIDAIR_TRY_ASSIGN(const auto machines, world_.directory.machines(*store_, request_.app, limits()));
  MIDAIR_TRY_ASSIGN(prepared.fleet,
                    plan_fleet(machines, request_.image, request_.force, prepared.upgrade.required_features));
  tell(FleetPlanned{prepared.fleet});
  HotUpgrade& upgrade = prepared.upgrade;
  const std::string& image = prepared.fleet.base_image;
  if (!prepared.local && upgrade.base_image_ref != image)
    return Error{Errc::refused, "go back to", upgrade.version,
                 "it was made for base image " + upgrade.base_image_ref + ", the machines run " + image,
                 "choose a release that was published since with --to, or ship its files again with midair hot"};
  upgrade.base_image_ref = image;
  upgrade.hot_ref = "midair/" + request_.app + ":deployment-" + request_.id;
  upgrade.tarball_url = store_->url_of(prepared.tarball_key());
  return {};
}

Result<std::unique_ptr<DeployLock>> UpgradeRun::take_lock(const Prepared& prepared) {
  const Stopwatch watch(world_.clock, times_.lock);
  LockWorld world{*store_, world_.clock, world_.pause};
  world.watching = [this](const LockRecord& holder, std::chrono::nanoseconds left) {
    tell(UpgradeProgress{"the lock of " + holder.locked_by + " has expired; taking it over in " + format_age(left) +
                         " unless it is renewed"});
  };
  world.taken_over = [this](const LockRecord& holder) {
    tell(UpgradeNotice{"took the lock from " + holder.locked_by + ", who held it since " + holder.taken_at() +
                       " to deploy " + holder.deployment_id});
  };
  const LockRequest wanted{prepared.layout, request_.locked_by, prepared.upgrade.hot_ref, request_.lock_timeout,
                           request_.force};
  return DeployLock::acquire(std::move(world), wanted, stop_);
}

Result<HotUpgrade> UpgradeRun::upload_and_publish(const Prepared& prepared, DeployLock& lock) {
  MIDAIR_TRY_ASSIGN(const auto state, read_published_state(*store_, prepared.layout, limits()));
  if (prepared.chosen_at && state.sequence() != *prepared.chosen_at)
    return Error{Errc::precondition, "go back to", prepared.upgrade.version, "somebody has published meanwhile",
                 "look at midair status, then try again"};
  MIDAIR_TRY(lock.raise_fence(state.fence() + 1, stop_));
  tell(DeployLocked{lock.fence(), times_.lock});

  MIDAIR_TRY(check_version_is_free(state.publications(), prepared.upgrade.version, prepared.upgrade.digest));
  MIDAIR_TRY(upload(prepared));
  if (auto injected = fault("publish.uploaded")) return *injected;
  if (stop_.stop_requested()) return Error{Errc::cancelled, "publish", "", "interrupted"};

  const Stopwatch watch(world_.clock, times_.publish);
  MIDAIR_TRY_ASSIGN(const auto predecessor, judge_predecessor(prepared, state));
  MIDAIR_TRY_ASSIGN(const auto published,
                    publish(*store_, world_.clock, lock, prepared.layout, state, predecessor, prepared.upgrade));
  tell(UpgradePublished{published, request_.id, watch.elapsed()});
  return published;
}

Result<void> UpgradeRun::upload(const Prepared& prepared) {
  const Stopwatch watch(world_.clock, times_.upload);
  if (!prepared.local)
    return check_tarball_is_there(*store_, prepared.tarball_key(), prepared.upgrade,
                                  limits());  // still, under the lock
  tell(UpgradeProgress{"uploading " + format_size(prepared.upgrade.size)});
  MIDAIR_TRY_ASSIGN(const auto outcome,
                    upload_tarball(*store_, prepared.tarball_key(), prepared.local->tarball(), stop_));
  tell(TarballUploaded{prepared.tarball_key(), outcome, watch.elapsed()});
  return {};
}

Result<Predecessor> UpgradeRun::judge_predecessor(const Prepared& prepared, const PublishedState& state) const {
  if (!state.current || !state.current->pointer.hot_upgrade()) return Predecessor::unproven;
  const auto proves = [&](const FleetMachine& machine) {
    return has_committed(machine, *state.current->pointer.hot_upgrade());
  };
  const auto& [image, covered, uncovered] = prepared.fleet;
  if (std::ranges::any_of(covered, proves) || std::ranges::any_of(uncovered, proves, &Uncovered::machine))
    return Predecessor::good;
  // It may have been committed since the fleet was looked at, which was before the lock.
  MIDAIR_TRY_ASSIGN(const auto machines, world_.directory.machines(*store_, request_.app, limits()));
  return std::ranges::any_of(machines, proves) ? Predecessor::good : Predecessor::unproven;
}

void UpgradeRun::follow(const Prepared& prepared, UpgradeSummary& summary) {
  const Stopwatch watch(world_.clock, times_.follow);
  Follower follower(*store_, world_.directory, world_.clock,
                    {prepared.layout, prepared.upgrade.hot_ref, prepared.fleet.base_image, prepared.fleet.covered,
                     prepared.upgrade.required_features});
  Backoff pace = pace_for(*store_);
  std::string trouble;
  while (true) {
    const auto polled = follower.poll(limits());
    const auto news = follower.take_news();
    for (const auto& [result, draining] : news) tell(MachineAnswered{result, draining});
    if (!polled.ok() && polled.error().code != Errc::cancelled && polled.error().message() != trouble) {
      trouble = polled.error().message();
      tell(UpgradeNotice{trouble + "; results are looked for again"});
    }
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(request_.timeout - watch.elapsed());
    summary.interrupted = stop_.stop_requested() && follower.awaited() > 0;
    if (follower.awaited() == 0 || summary.interrupted || left.count() <= 0) break;
    tell(UpgradeProgress{"waiting for " + std::to_string(follower.awaited()) + " of " +
                         count_machines(follower.followed()) + ", " + format_age(watch.elapsed())});
    if (!news.empty()) pace.reset();
    world_.pause(std::min(pace.next(), left), stop_);
  }
  summary.machines = follower.outcomes();
}

void UpgradeRun::look_ahead(const Prepared& prepared, DeployLock& lock, UpgradeSummary& summary) {
  const bool all_failed =
      summary.count(Outcome::failed) + summary.count(Outcome::rolled_back) == summary.machines.size();
  auto pointer = all_failed ? host::refuse(*store_, lock, prepared.layout, summary.upgrade)
                            : pointer_of(*store_, prepared.layout, summary.upgrade);
  if (!pointer.ok()) return tell(UpgradeNotice{pointer.error().message() + "; what new machines run is unknown"});
  if (!*pointer) return;  // somebody published a newer one
  summary.outlook = Outlook{(*pointer)->refused(), (*pointer)->last_good() ? (*pointer)->last_good()->version : ""};
}

void UpgradeRun::clean_up(const Prepared& prepared, const DeployLock& lock) {
  tell(UpgradeProgress{"cleaning up"});
  const auto cleaned = host::clean_up(*store_, world_.directory, world_.clock, lock, prepared.layout, stop_);
  if (!cleaned.ok() && cleaned.error().code != Errc::cancelled)
    tell(UpgradeNotice{cleaned.error().message() + "; cleaning up is left for the next time"});
}

}  // namespace midair::host::hot
