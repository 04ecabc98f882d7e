// Boot: what runs first. Bounded: the store has a while to answer, then the machine starts with what it has.
#include <chrono>

#include "midair/release/layout.h"
#include "midair/log.h"
#include "midair/release/release_archive.h"
#include "sidecar.h"
#include "state/journal.h"

namespace midair::sidecar {

namespace {

/// How long a release may take to be fetched before the app starts. Later it is fetched beside the running app.
constexpr std::chrono::milliseconds kBootStageLimit{std::chrono::seconds(60)};

/// The committed release, if it is of this base image and still sound on disk.
std::optional<ReleaseRef> committed_release(const StateDir& dir, const Identity& identity) {
  auto marker = read_marker(dir.marker());
  if (!marker) {
    log(LogLevel::error, "marker.unreadable", {{"error", marker.error().to_string()}});
    return std::nullopt;
  }
  if (!marker.value()) return std::nullopt;
  const Marker& committed = *marker.value();
  if (committed.base_image_ref != identity.base_image_ref) {
    log(LogLevel::notice, "boot.other_base_image",
        {{"was", committed.base_image_ref}, {"is", identity.base_image_ref}});
    return std::nullopt;
  }
  const auto directory = dir.release(committed.digest);
  if (auto sound = verify_extracted(directory); !sound) {
    log(LogLevel::error, "boot.release_unusable", {{"error", sound.error().to_string()}});
    return std::nullopt;
  }
  return ReleaseRef{committed.version, committed.digest, committed.hot_ref, committed.sequence, directory};
}

}  // namespace

void Sidecar::recover() {
  if (auto cleaned = dir_->clean_leftovers(); !cleaned)
    log(LogLevel::warning, "leftovers.not_cleaned", {{"error", cleaned.error().to_string()}});
  if (auto removed = remove_saved_states(*dir_); !removed)
    log(LogLevel::warning, "leftovers.not_cleaned", {{"error", removed.error().to_string()}});
  attempts_ = Attempts::load(dir_->attempts());
  auto journal = read_journal(dir_->journal());
  if (!journal)
    log(LogLevel::warning, "journal.unreadable", {{"error", journal.error().to_string()}});
  else if (journal.value())
    swap_was_interrupted(*journal.value());
  // The attempt was counted before it began; the marker says what to run. The record has served.
  if (!journal || journal.value())
    if (auto cleared = clear_journal(dir_->journal()); !cleared)
      log(LogLevel::warning, "journal.not_cleared", {{"error", cleared.error().to_string()}});
  committed_ = committed_release(*dir_, options_.identity).value_or(base_image_);
  if (!committed_.is_base_image() && attempts_->count(upgrade_id_of(committed_.hot_ref)) >= Attempts::kMaxBadStarts)
    abandon_committed();
}

void Sidecar::abandon_committed() {
  const std::string why = "it ended soon after each of its last " + std::to_string(Attempts::kMaxBadStarts) + " starts";
  log(LogLevel::error, "release.abandoned", {{"release", committed_.describe()}, {"why", why}});
  Target target;
  target.upgrade_id = upgrade_id_of(committed_.hot_ref);
  target.version = committed_.version;
  target.sequence = committed_.sequence;
  committed_ = base_image_;
  // Refused first: the marker alone would let it be installed again.
  if (auto refused = attempts_->refuse(target.upgrade_id, why); !refused)
    log(LogLevel::warning, "attempts.unwritable", {{"error", refused.error().to_string()}});
  if (auto removed = remove_marker(dir_->marker()); !removed)
    log(LogLevel::warning, "marker.not_removed", {{"error", removed.error().to_string()}});
  UpgradeResult result = result_for(target, UpgradeStatus::rolled_back);
  result.error = why;
  reporter_->result(target.upgrade_id, result);
}

void Sidecar::swap_was_interrupted(const JournalEntry& entry) {
  log(LogLevel::warning, "swap.interrupted", {{"version", entry.version}, {"state", entry.state}});
  if (entry.state != to_string(SwapState::rolling_back)) return;
  // It had failed already: another try would hurt clients again and end the same.
  if (auto refused = attempts_->refuse(entry.upgrade_id, "it was being rolled back when the sidecar ended"); !refused)
    log(LogLevel::warning, "attempts.unwritable", {{"error", refused.error().to_string()}});
}

void Sidecar::ask_store() {
  Poller::Settings settings;
  settings.interval = options_.poll_interval;
  settings.highest_sequence = committed_.sequence;
  poller_ = std::make_unique<Poller>(
      *store_, policy_, *stager_, *reporter_, options_.identity, settings,
      [this](std::function<void()> work) { loop_->post(std::move(work)); },
      Poller::Events{[this](const Decision& decision, const Etag&) { on_pointer(decision); },
                     [](const Error& error) {
                       log(LogLevel::warning, "pointer.rejected", {{"error", error.to_string()}});
                     },
                     [this](Result<StagedRelease> release) { on_staged(std::move(release)); }});
  asker_ = std::thread([this] {
    auto answer = poller_->poll_once(options_.boot_timeout);
    loop_->post([this, answer = std::move(answer)] { store_answered(answer); });
  });
}

void Sidecar::store_answered(const Result<std::optional<Decision>>& answer) {
  asker_.join();
  if (phase_ != Phase::asking) return;
  if (!answer) return boot_without(answer.error().to_string());
  if (!answer.value()) return boot_without("no release was published yet");
  decision_ = *answer.value();
  if (!decision_->target) return boot_without(decision_->reason);
  const Target target = *decision_->target;
  if (target.hot_ref == committed_.hot_ref) {
    // The report may have been lost with the process that owed it.
    UpgradeResult result = result_for(target, UpgradeStatus::completed);
    result.observed_digest = committed_.digest;
    reporter_->result(target.upgrade_id, result);
  }
  if (target.hot_ref == committed_.hot_ref || target.sha256 == committed_.digest)
    return boot_without("it is the committed release");
  if (!may_try(target)) return boot_without("that release is refused on this machine");

  phase_ = Phase::staging;
  start_polling();
  poller_->stage(target);
  boot_limit_ = loop_->after(kBootStageLimit, [this] {
    poller_->cancel_stage();
    boot_without("the release could not be fetched in time");
  });
}

void Sidecar::boot_staged(const StagedRelease& release) {
  boot_limit_ = {};
  hooks_->begin(release, committed_);
  hooks_->accept([this, release](const Result<void>& accepted) {
    if (phase_ != Phase::staging) return;
    if (!accepted) return boot_without(accepted.error().message());
    boot_start(release);
  });
}

void Sidecar::boot_start(const StagedRelease& release) {
  const Target& target = release.target;
  if (auto counted = attempts_->begin(target.upgrade_id); !counted) return boot_without(counted.error().to_string());
  auto started = supervisor_->start(ref_of(release));
  if (!started) return boot_without(started.error().to_string());
  phase_ = Phase::running;
  serving_.adopt_candidate(*started.value(), committed_);
  publish_record("swapping");
  swap_->begin_at_boot(release);
}

void Sidecar::boot_without(const std::string& why) {
  boot_limit_ = {};
  log(LogLevel::notice, "boot.as_committed", {{"release", committed_.describe()}, {"why", why}});
  serve(committed_);
}

void Sidecar::start_polling() {
  if (polling_) return;
  polling_ = true;
  poller_->start();
}

}  // namespace midair::sidecar
