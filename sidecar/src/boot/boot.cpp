#include "boot/boot.h"

#include <utility>

#include "midair/log.h"
#include "midair/release/layout.h"

namespace midair::sidecar {

namespace {

/// How long a release may take to be fetched before the app starts. Later it is fetched beside the running app.
constexpr std::chrono::milliseconds kStageLimit{std::chrono::seconds(60)};
/// And how long once that one has failed, while clients wait.
constexpr std::chrono::milliseconds kFallbackLimit{std::chrono::seconds(10)};

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
  fallback_found_ = nullptr;
  limit_.reset();
}

void Boot::store_answered(const Result<std::optional<Decision>>& answer) {
  asker_.join();
  if (phase_ != Phase::asking) return;
  if (!answer) return install(answer.error().to_string());
  if (!answer.value()) return install("no release was published yet");
  const Decision& decision = *answer.value();
  parts_.upgrades.remember(decision);
  if (!decision.target) return install(decision.reason);
  if (decision.target->hot_ref == parts_.serving.committed().hot_ref)
    report_again(*decision.target);
  else
    parts_.upgrades.refuse_again(*decision.target);
  install("that release is refused");
}

/// What may run here before the app starts is fetched. `why_not`: if there is no such release.
void Boot::install(const std::string& why_not) {
  const ReleaseRef& committed = parts_.serving.committed();
  const auto target = parts_.upgrades.wanted(passed_over_);
  if (!target) return start_without(why_not);
  if (target->hot_ref == committed.hot_ref || target->digest == committed.digest)
    return start_without("it is the committed release");
  if (auto writable = parts_.dir.check_writable(); !writable) return start_without(writable.error().to_string());

  phase_ = Phase::staging;
  staged_ = target->upgrade_id;
  start_polling();
  parts_.store_thread.stage(*target);
  if (limit_) return;
  limit_ = parts_.loop.after(kStageLimit, [this] {
    parts_.store_thread.cancel_stage();
    start_without("the release could not be fetched in time");
  });
}

/// Looks for another release than the one that could not be started.
void Boot::pass_over(const std::string& why) {
  log(LogLevel::warning, "boot.passed_over", {{"upgrade", staged_}, {"why", why}});
  passed_over_.insert(staged_);
  install(why);
}

/// The report may have been lost with the process that owed it.
void Boot::report_again(const Target& target) {
  UpgradeResult result = parts_.announcer.result_for(target, UpgradeStatus::completed);
  result.observed_digest = parts_.serving.committed().digest;
  parts_.announcer.result(target.upgrade_id, result);
}

void Boot::staged(const Result<StagedRelease>& release) {
  if (fallback_found_) return fallback_staged(release);
  if (phase_ != Phase::staging) return;
  if (!release) return pass_over(release.error().to_string());
  ask_hook(*release);
}

void Boot::find_fallback(std::function<void()> go_on) {
  const bool has_nothing = parts_.serving.at_boot() && parts_.serving.fallback().is_base_image();
  const auto target = has_nothing ? parts_.upgrades.stand_in({parts_.swap.target()->upgrade_id}) : std::nullopt;
  if (!target) return go_on();
  fallback_found_ = std::move(go_on);
  parts_.store_thread.stage(*target);
  limit_ = parts_.loop.after(kFallbackLimit, [this] {
    parts_.store_thread.cancel_stage();
    fallback_staged(Error{Errc::timeout, "fetch", "the last good release", "it took too long"});
  });
}

void Boot::fallback_staged(const Result<StagedRelease>& release) {
  limit_.reset();
  if (release)
    parts_.serving.fall_back_to(ref_of(*release));
  else
    log(LogLevel::warning, "boot.last_good_not_fetched", {{"error", release.error().to_string()}});
  std::exchange(fallback_found_, nullptr)();
}

void Boot::ask_hook(const StagedRelease& release) {
  parts_.hooks.begin(release, parts_.serving.committed());
  parts_.hooks.accept([this, release](const Result<void>& accepted) {
    if (phase_ != Phase::staging) return;
    if (!accepted) return pass_over(accepted.error().message());
    start(release);
  });
}

void Boot::start(const StagedRelease& release) {
  if (auto counted = parts_.attempts.begin(release.target.upgrade_id); !counted)
    return start_without(counted.error().to_string());
  auto started = parts_.supervisor.start(ref_of(release));
  if (!started) return pass_over(started.error().to_string());
  phase_ = Phase::over;
  limit_.reset();
  parts_.serving.boot_with(*started.value(), parts_.serving.committed());
  parts_.announcer.record(MachineState::swapping);
  parts_.swap.booted(release);
  parts_.upgrades.begin();
}

void Boot::start_without(const std::string& why) {
  limit_.reset();
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
