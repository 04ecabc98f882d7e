#include "boot/boot.h"

#include <utility>

#include "midair/log.h"
#include "midair/release/layout.h"

namespace midair::sidecar {

namespace {

/// How long a release may take to be fetched before the app starts. Later it is fetched beside the running app.
constexpr std::chrono::milliseconds kStageLimit{std::chrono::seconds(60)};

}  // namespace

Boot::~Boot() {
  if (asker_.joinable()) asker_.join();
}

void Boot::begin() {
  asker_ = std::thread([this] {
    auto answer = parts_.store_thread.poll_once(settings_.timeout);
    parts_.loop.post([this, answer = std::move(answer)] { store_answered(answer); });
  });
}

void Boot::stop() {
  phase_ = Phase::over;
  limit_ = {};
}

void Boot::store_answered(const Result<std::optional<Decision>>& answer) {
  asker_.join();
  if (phase_ != Phase::asking) return;
  if (!answer) return start_without(answer.error().to_string());
  if (!answer.value()) return start_without("no release was published yet");
  const Decision& decision = *answer.value();
  parts_.upgrades.remember(decision);
  if (!decision.target) return start_without(decision.reason);
  consider(*decision.target);
}

void Boot::consider(const Target& target) {
  const ReleaseRef& committed = parts_.serving.committed();
  if (target.hot_ref == committed.hot_ref) report_again(target);
  if (target.hot_ref == committed.hot_ref || target.digest == committed.digest)
    return start_without("it is the committed release");
  if (!parts_.upgrades.may_try(target)) {
    parts_.upgrades.refuse_again(target);
    return start_without("that release is refused on this machine");
  }
  if (auto writable = parts_.dir.check_writable(); !writable) return start_without(writable.error().to_string());

  phase_ = Phase::staging;
  start_polling();
  parts_.store_thread.stage(target);
  limit_ = parts_.loop.after(kStageLimit, [this] {
    parts_.store_thread.cancel_stage();
    start_without("the release could not be fetched in time");
  });
}

/// The report may have been lost with the process that owed it.
void Boot::report_again(const Target& target) {
  UpgradeResult result = parts_.announcer.result_for(target, UpgradeStatus::completed);
  result.observed_digest = parts_.serving.committed().digest;
  parts_.announcer.result(target.upgrade_id, result);
}

void Boot::staged(const Result<StagedRelease>& release) {
  if (phase_ != Phase::staging) return;
  if (!release) return start_without(release.error().to_string());
  limit_ = {};
  ask_hook(*release);
}

void Boot::ask_hook(const StagedRelease& release) {
  parts_.hooks.begin(release, parts_.serving.committed());
  parts_.hooks.accept([this, release](const Result<void>& accepted) {
    if (phase_ != Phase::staging) return;
    if (!accepted) return start_without(accepted.error().message());
    start(release);
  });
}

void Boot::start(const StagedRelease& release) {
  if (auto counted = parts_.attempts.begin(release.target.upgrade_id); !counted)
    return start_without(counted.error().to_string());
  auto started = parts_.supervisor.start(ref_of(release));
  if (!started) return start_without(started.error().to_string());
  phase_ = Phase::over;
  parts_.serving.boot_with(*started.value(), parts_.serving.committed());
  parts_.announcer.record(MachineState::swapping);
  parts_.swap.booted(release);
  parts_.upgrades.begin();
}

void Boot::start_without(const std::string& why) {
  limit_ = {};
  const ReleaseRef& committed = parts_.serving.committed();
  log(LogLevel::notice, "boot.as_committed", {{"release", committed.describe()}, {"why", why}});
  serve(committed);
}

void Boot::serve(const ReleaseRef& release) {
  auto started = parts_.supervisor.start(release);
  if (!started && !release.is_base_image()) {
    log(LogLevel::error, "app.not_started", {{"release", release.describe()}, {"error", started.error().to_string()}});
    return serve(settings_.base_image);
  }
  phase_ = Phase::over;
  if (!started) return on_not_started_(started.error());
  parts_.serving.serve_with(*started.value());
  parts_.service_check.begin();
  let_settle(release);
  if (auto pointed = parts_.dir.point_current_at(release.directory); !pointed)
    log(LogLevel::warning, "current.not_set", {{"error", pointed.error().to_string()}});
  parts_.announcer.record(MachineState::serving);
  start_polling();
  parts_.upgrades.begin();
}

void Boot::let_settle(const ReleaseRef& release) {
  if (release.is_base_image()) return;
  settling_ = parts_.loop.after(settings_.settle, [this, id = upgrade_id_of(release.hot_ref)] {
    settling_.reset();
    warn_unwritten(parts_.attempts.forget(id));
  });
}

void Boot::app_ended(const ExitStatus& status) {
  if (!settling_) return;
  const ReleaseRef& committed = parts_.serving.committed();
  const std::string id = upgrade_id_of(committed.hot_ref);
  warn_unwritten(parts_.attempts.begin(id));
  log(LogLevel::error, "boot.bad_start",
      {{"release", committed.describe()},
       {"how", status.text()},
       {"bad_starts", std::to_string(parts_.attempts.count(id))},
       {"limit", std::to_string(Attempts::kMaxBadStarts)}});
}

void Boot::start_polling() {
  if (std::exchange(polling_, true)) return;
  parts_.store_thread.start();
}

}  // namespace midair::sidecar
