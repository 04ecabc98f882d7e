#include "midair/host/fleet/follower.h"

#include <algorithm>

#include "midair/host/fleet/fleet_plan.h"
#include "midair/log.h"

namespace midair::host {

namespace {

/// How often the fleet is looked at; newcomers and leavers are rare, results are not.
constexpr auto kFleetInterval = std::chrono::seconds(2);

Outcome outcome_of(UpgradeStatus status) {
  switch (status) {
    case UpgradeStatus::completed: return Outcome::upgraded;
    case UpgradeStatus::failed: return Outcome::failed;
    case UpgradeStatus::rolled_back: return Outcome::rolled_back;
    case UpgradeStatus::pending: return Outcome::no_answer;
  }
  return Outcome::no_answer;
}

/// A machine that runs the upgrade is upgraded, also without a word about how.
UpgradeResult completed_at_boot(const MachineRecord& record) {
  UpgradeResult result;
  result.machine_id = record.machine_id;
  result.region = record.region;
  result.status = UpgradeStatus::completed;
  result.applied_at = record.updated_at;
  result.version = record.version;
  result.sequence = record.sequence;
  return result;
}

std::string unfinished(const UpgradeResult& pending) {
  return "it is still at '" + pending.step + "'" + (pending.error.empty() ? "" : ": " + pending.error);
}

}  // namespace

const char* to_string(Outcome outcome) noexcept {
  switch (outcome) {
    case Outcome::upgraded: return "upgraded";
    case Outcome::failed: return "failed";
    case Outcome::rolled_back: return "rolled_back";
    case Outcome::retrying: return "retrying";
    case Outcome::no_answer: return "no_answer";
  }
  return "no_answer";
}

Follower::Follower(ObjectStore& store, MachineDirectory& directory, const Clock& clock, const FollowTarget& target)
    : store_(store),
      directory_(directory),
      clock_(clock),
      target_(target),
      results_(target.layout.results_prefix(upgrade_id_of(target.hot_ref)), kMaxMachineStateBytes),
      fleet_read_at_(clock.now()) {
  for (const auto& covered : target.covered) machines_[covered.record.machine_id].seen = covered;
}

Result<void> Follower::poll(const CallLimits& limits) {
  MIDAIR_TRY(read_results(limits));
  if (clock_.now() - fleet_read_at_ < kFleetInterval) return {};
  MIDAIR_TRY(read_fleet(limits));
  fleet_read_at_ = clock_.now();
  return {};
}

Result<void> Follower::read_results(const CallLimits& limits) {
  MIDAIR_TRY_ASSIGN(const auto changed, results_.refresh(store_, limits));
  for (const auto& key : changed) {
    const auto entry = results_.entries().find(key);
    const auto id = results_.stem_of(key);
    if (entry == results_.entries().end() || !check_machine_id(id).ok()) continue;
    auto result = entry->second.unreadable ? Result<UpgradeResult>(*entry->second.unreadable)
                                           : UpgradeResult::parse(entry->second.text, key);
    if (!result.ok() || result->machine_id != id) {
      const auto why = result.ok() ? "it speaks for another machine" : result.error().cause;
      log(LogLevel::warning, "result.unreadable", {{"key", key}, {"error", why}});
      if (const auto known = machines_.find(id); known != machines_.end()) known->second.unreadable = why;
      continue;
    }
    auto& machine = machines_[id];
    machine.seen.record.machine_id = id;
    machine.unreadable.clear();
    machine.result = *std::move(result);
    read_draining(machine, limits);
    news_.push_back({*machine.result, machine.draining});
  }
  return {};
}

/// A machine writes its record before it says that it is done. Without it nothing is known of old processes, and no
/// more than that.
void Follower::read_draining(Machine& machine, const CallLimits& limits) {
  if (machine.result->status != UpgradeStatus::completed) return;
  const std::string key = target_.layout.machine(machine.result->machine_id);
  const auto text = get_text(store_, key, kMaxMachineStateBytes, limits);
  if (!text.ok()) return;
  if (auto record = MachineRecord::parse(text->text, key); record.ok() && record->hot_ref == target_.hot_ref)
    machine.draining = std::move(record->draining);
}

Result<void> Follower::read_fleet(const CallLimits& limits) {
  MIDAIR_TRY_ASSIGN(const auto fleet, directory_.machines(store_, target_.layout.app, limits));
  for (const auto& seen : fleet) {
    const auto& record = seen.record;
    if (!machines_.contains(record.machine_id) && !covers(target_.base_image, target_.required_features, seen))
      continue;
    auto& machine = machines_[record.machine_id];
    machine.seen = seen;
    if (machine.result || record.hot_ref != target_.hot_ref || seen.state != FleetState::serving) continue;
    machine.result = completed_at_boot(record);
    machine.draining = record.draining;
    news_.push_back({*machine.result, machine.draining});
  }
  return {};
}

std::string Follower::gone(const Machine& machine) const {
  if (machine.seen.state == FleetState::stopped) return "it stopped";
  if (machine.seen.state == FleetState::gone) return "Fly knows no such machine";
  const auto& image = machine.seen.record.base_image_ref;
  if (!image.empty() && image != target_.base_image) return "it runs another base image now, " + image;
  return {};
}

std::size_t Follower::awaited() const {
  return std::ranges::count_if(machines_, [&](const auto& entry) {
    const auto& machine = entry.second;
    return !(machine.result && machine.result->final()) && gone(machine).empty();
  });
}

std::vector<MachineOutcome> Follower::outcomes() const {
  std::vector<MachineOutcome> all;
  for (const auto& [id, machine] : machines_) {
    MachineOutcome outcome;
    outcome.machine_id = id;
    outcome.region = machine.seen.record.region;
    if (machine.result) {
      outcome.region = machine.result->region;
      outcome.outcome = outcome_of(machine.result->status);
      outcome.why = machine.result->error;
      outcome.draining = machine.draining;
    }
    if (machine.result && machine.result->waits_for_retry() && gone(machine).empty()) {
      outcome.outcome = Outcome::retrying;
      outcome.why += "; it tries again by itself at " + machine.result->retry_at;
    }
    if (outcome.outcome == Outcome::no_answer) {
      outcome.why = gone(machine);
      if (outcome.why.empty() && !machine.unreadable.empty())
        outcome.why = "its result cannot be read: " + machine.unreadable;
      if (outcome.why.empty()) outcome.why = machine.result ? unfinished(*machine.result) : "it said nothing";
    }
    all.push_back(std::move(outcome));
  }
  return all;
}

}  // namespace midair::host
