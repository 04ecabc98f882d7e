#include "watch/reporter.h"

#include <algorithm>

#include "midair/foreign_text.h"
#include "midair/log.h"

namespace midair::sidecar {

namespace {

constexpr std::chrono::seconds kFirstDelay{1};
constexpr std::chrono::minutes kMaxDelay{1};
constexpr std::size_t kMaxError = 1000;  // bytes; apps, hooks and stores have a say in it, agents read it in one line
constexpr std::size_t kMaxWaiting = 32;  // of an upgrade each; while the store is away, the oldest go

}  // namespace

Reporter::Reporter(ObjectStore& store, const std::string& app, Identity identity, const Clock& clock)
    : store_(store),
      layout_{app},
      identity_(std::move(identity)),
      clock_(clock),
      backoff_({.first = kFirstDelay, .highest = kMaxDelay}) {}

void Reporter::result(const std::string& upgrade_id, UpgradeResult result) {
  result.machine_id = identity_.machine_id;
  result.region = identity_.region;
  result.error = one_line(std::move(result.error), kMaxError);
  enqueue(layout_.result(upgrade_id, identity_.machine_id), result.to_json());
}

void Reporter::record(MachineRecord record) {
  record.machine_id = identity_.machine_id;
  record.region = identity_.region;
  record.process_group = identity_.process_group;
  record.base_image_ref = identity_.base_image_ref;
  record.problem = one_line(std::move(record.problem), kMaxError);
  record.updated_at = format_rfc3339(clock_.wall());
  enqueue(layout_.machine(identity_.machine_id), record.to_json());
}

void Reporter::on_news(std::function<void()> wake) {
  const std::scoped_lock lock(mutex_);
  wake_ = std::move(wake);
}

void Reporter::enqueue(std::string key, std::string text) {
  const std::scoped_lock lock(mutex_);
  std::erase_if(reports_, [&](const Report& older) { return older.key == key; });
  if (reports_.size() == kMaxWaiting) reports_.pop_front();
  reports_.push_back({std::move(key), std::move(text), ++reported_});
  if (wake_) wake_();
}

std::optional<Reporter::Report> Reporter::oldest() const {
  const std::scoped_lock lock(mutex_);
  if (reports_.empty()) return {};
  return reports_.front();
}

void Reporter::done(const Report& sent) {
  const std::scoped_lock lock(mutex_);
  std::erase_if(reports_, [&](const Report& report) { return report.number == sent.number; });
}

/// To the end of the queue, so that one report that the store won't take doesn't hold up the others.
void Reporter::postpone(const Report& failed) {
  const std::scoped_lock lock(mutex_);
  const auto found = std::ranges::find(reports_, failed.number, &Report::number);
  if (found != reports_.end()) std::rotate(found, found + 1, reports_.end());
}

std::chrono::milliseconds Reporter::back_off(const Error& error) {
  if (!failing_) log(LogLevel::warning, "report.failing", {{"error", error.to_string()}});
  failing_ = true;
  return backoff_.after(error);
}

std::optional<std::chrono::milliseconds> Reporter::flush(const CallLimits& limits) {
  const BootTime begin = clock_.now();
  if (!oldest()) return {};
  if (begin < not_before_) return std::chrono::ceil<std::chrono::milliseconds>(not_before_ - begin);

  while (const auto report = oldest()) {
    const auto left = limits.deadline - std::chrono::floor<std::chrono::milliseconds>(clock_.now() - begin);
    const auto stored = put_text(store_, report->key, report->text, PutCondition::none(), {left, limits.stop});
    if (!stored && stored.error().code == Errc::cancelled) return std::chrono::milliseconds(0);
    if (!stored) {
      postpone(*report);
      const auto delay = back_off(stored.error());
      not_before_ = clock_.now() + delay;
      return delay;
    }
    done(*report);
    if (failing_) log(LogLevel::notice, "report.recovered");
    failing_ = false;
    backoff_.reset();
  }
  return {};
}

}  // namespace midair::sidecar
