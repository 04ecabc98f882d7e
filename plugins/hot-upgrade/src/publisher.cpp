#include "publisher.h"

#include <algorithm>

#include "midair/fault.h"
#include "midair/host/fleet/cleaner.h"
#include "midair/host/fleet/follower.h"
#include "midair/host/publish/lock_renewer.h"
#include "midair/host/publish/publication.h"
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
class Pace {
 public:
  explicit Pace(const ObjectStore& store)
      : shortest_(store.name().starts_with("file:") ? 200 : 500),
        longest_(store.name().starts_with("file:") ? 1000 : 2000) {}
  std::chrono::milliseconds next(bool something_happened) {
    now_ = something_happened ? shortest_ : std::min(longest_, now_ * 3 / 2);
    return now_;
  }

 private:
  const std::chrono::milliseconds shortest_, longest_;
  std::chrono::milliseconds now_ = shortest_;
};

/// "20261120T213000-7G8H9Z": sorts by time, and its end is that of the upgrade's id.
std::string default_version(const std::string& upgrade_id, WallTime now) {
  std::string text;
  for (const char c : format_rfc3339(now).substr(0, 19))
    if (c != '-' && c != ':') text += c;
  return text + "-" + upgrade_id.substr(upgrade_id.size() - 6);
}

Error nothing_published(const Error& error) {
  if (error.code != Errc::cancelled) return error;
  return {Errc::cancelled, "publish", "", "interrupted; nothing was published"};
}

}  // namespace

std::size_t HotSummary::count(Outcome outcome) const {
  return std::ranges::count(machines, outcome, &MachineOutcome::outcome);
}

/// All that is known before anything is written.
struct Publisher::Prepared {
  StoreLayout layout;
  std::string upgrade_id;
  std::string hot_ref;
  LocalRelease release;
  FleetPlan fleet;

  [[nodiscard]] std::string tarball_key() const { return layout.tarball(release.version()); }
};

Result<HotSummary> Publisher::publish(const HotRequest& request) {
  HotSummary summary;
  {
    const Stopwatch total(world_.clock, times_.total);
    const auto prepared = prepare(request);
    if (!prepared.ok()) return nothing_published(prepared.error());
    if (auto injected = fault("publish.prepared")) return *injected;
    const auto lock = take_lock(request, *prepared);
    if (!lock.ok()) return nothing_published(lock.error());
    const LockRenewer renewer(**lock);
    if (auto injected = fault("publish.locked")) return *injected;
    const auto upgrade = upload_and_publish(*prepared, **lock);
    if (!upgrade.ok()) return nothing_published(upgrade.error());

    summary.upgrade = *upgrade;
    summary.upgrade_id = prepared->upgrade_id;
    follow(request, *prepared, summary);
    if (auto injected = fault("publish.followed")) return *injected;
    clean_up(*prepared, **lock);
  }
  summary.times = times_;
  world_.reporter.summary(summary);
  return summary;
}

Result<HotPlan> Publisher::rehearse(const HotRequest& request) {
  MIDAIR_TRY_ASSIGN(const auto prepared, prepare(request));
  MIDAIR_TRY_ASSIGN(const auto state, read_published_state(world_.store, prepared.layout, limits()));
  MIDAIR_TRY(check_version_is_free(state.publications(), prepared.release.version(), prepared.release.packed.sha256));
  HotPlan plan;
  plan.tarball_key = prepared.tarball_key();
  plan.sequence = state.next_sequence();
  MIDAIR_TRY_ASSIGN(plan.upload,
                    probe_tarball(world_.store, plan.tarball_key, prepared.release.tarball(), world_.stop));
  world_.reporter.planned(plan);
  return plan;
}

Result<Publisher::Prepared> Publisher::prepare(const HotRequest& request) {
  MIDAIR_TRY(check_app_name(request.app));
  Prepared prepared;
  prepared.layout.app = request.app;
  MIDAIR_TRY_ASSIGN(prepared.upgrade_id, new_ulid(world_.clock.wall()));
  prepared.hot_ref = "midair/" + request.app + ":deployment-" + prepared.upgrade_id;
  {
    const Stopwatch watch(world_.clock, times_.pack);
    MIDAIR_TRY_ASSIGN(const auto version, choose_version(request.from, request.version,
                                                         default_version(prepared.upgrade_id, world_.clock.wall())));
    world_.reporter.progress("packing " + request.from.string());
    MIDAIR_TRY_ASSIGN(prepared.release,
                      pack_locally(request.from, request.app, version, request.strategy, world_.stop));
    world_.reporter.packed(prepared.release, watch.elapsed());
  }
  MIDAIR_TRY_ASSIGN(const auto machines, world_.directory.machines(world_.store, request.app, limits()));
  MIDAIR_TRY_ASSIGN(prepared.fleet, plan_fleet(machines, request.image, request.force));
  world_.reporter.fleet(prepared.fleet);
  return prepared;
}

Result<std::unique_ptr<DeployLock>> Publisher::take_lock(const HotRequest& request, const Prepared& prepared) {
  const Stopwatch watch(world_.clock, times_.lock);
  LockWorld world{world_.store, world_.clock, world_.pause};
  world.watching = [this](const LockRecord& holder, std::chrono::nanoseconds left) {
    world_.reporter.progress("the lock of " + holder.locked_by + " has expired; taking it over in " + format_age(left) +
                             " unless it is renewed");
  };
  world.taken_over = [this](const LockRecord& holder) {
    world_.reporter.notice("took the lock from " + holder.locked_by + ", who held it since " + holder.locked_at +
                           " to deploy " + holder.deployment_id);
  };
  const LockRequest wanted{prepared.layout, request.locked_by, prepared.hot_ref, request.lock_timeout, request.force};
  return DeployLock::acquire(std::move(world), wanted, world_.stop);
}

Result<HotUpgrade> Publisher::upload_and_publish(const Prepared& prepared, DeployLock& lock) {
  const auto& release = prepared.release;
  MIDAIR_TRY_ASSIGN(const auto state, read_published_state(world_.store, prepared.layout, limits()));
  MIDAIR_TRY(lock.raise_fence(state.fence() + 1, world_.stop));
  world_.reporter.locked(lock.fence(), times_.lock);

  MIDAIR_TRY(check_version_is_free(state.publications(), release.version(), release.packed.sha256));
  {
    const Stopwatch watch(world_.clock, times_.upload);
    world_.reporter.progress("uploading " + format_size(release.packed.size));
    MIDAIR_TRY_ASSIGN(const auto outcome,
                      upload_tarball(world_.store, prepared.tarball_key(), release.tarball(), world_.stop));
    world_.reporter.uploaded(prepared.tarball_key(), outcome, watch.elapsed());
  }
  if (auto injected = fault("publish.uploaded")) return *injected;
  if (world_.stop.stop_requested()) return Error{Errc::cancelled, "publish", "", "interrupted"};

  const Stopwatch watch(world_.clock, times_.publish);
  HotUpgrade upgrade;
  upgrade.version = release.version();
  upgrade.source_image_ref = prepared.hot_ref;
  upgrade.tarball_url = world_.store.url_of(prepared.tarball_key());
  upgrade.sha256 = release.packed.sha256;
  upgrade.size = release.packed.size;
  upgrade.strategy = release.packed.manifest.strategy;
  MIDAIR_TRY_ASSIGN(upgrade, host::publish(world_.store, world_.clock, lock, prepared.layout, state,
                                           prepared.fleet.base_image, upgrade));
  world_.reporter.published(upgrade, prepared.upgrade_id, watch.elapsed());
  return upgrade;
}

void Publisher::follow(const HotRequest& request, const Prepared& prepared, HotSummary& summary) {
  const Stopwatch watch(world_.clock, times_.follow);
  Follower follower(world_.store, world_.directory, world_.clock,
                    {prepared.layout, prepared.hot_ref, prepared.fleet.base_image, prepared.fleet.covered});
  Pace pace(world_.store);
  std::string trouble;
  while (true) {
    const auto polled = follower.poll(limits());
    const auto news = follower.take_news();
    for (const auto& result : news) world_.reporter.result(result);
    if (!polled.ok() && polled.error().code != Errc::cancelled && polled.error().message() != trouble) {
      trouble = polled.error().message();
      world_.reporter.notice(trouble + "; results are looked for again");
    }
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(request.timeout - watch.elapsed());
    summary.interrupted = world_.stop.stop_requested() && follower.awaited() > 0;
    if (follower.awaited() == 0 || summary.interrupted || left.count() <= 0) break;
    world_.reporter.progress("waiting for " + std::to_string(follower.awaited()) + " of " +
                             std::to_string(follower.followed()) + " machines, " + format_age(watch.elapsed()));
    world_.pause(std::min(pace.next(!news.empty()), left), world_.stop);
  }
  summary.machines = follower.outcomes();
}

void Publisher::clean_up(const Prepared& prepared, const DeployLock& lock) {
  world_.reporter.progress("cleaning up");
  const auto cleaned = host::clean_up(world_.store, world_.directory, world_.clock, lock, prepared.layout, world_.stop);
  if (!cleaned.ok() && cleaned.error().code != Errc::cancelled)
    world_.reporter.notice(cleaned.error().message() + "; cleaning up is left for the next time");
}

}  // namespace midair::host::hot
