#include "midair/host/fleet/fleet_status.h"

#include <algorithm>

#include "midair/host/fleet/fleet_plan.h"

namespace midair::host {

namespace {

WallTime time_or_epoch(const std::string& text) { return parse_rfc3339(text).value_or(WallTime()); }

std::string version_running(const FleetMachine& machine) {
  return machine.record.hot_ref.empty() ? "its base image" : machine.record.version;
}

/// "probation", or "staged: cannot ...; tries again at ...".
std::string progress_of(const UpgradeResult& pending) {
  std::string text = pending.step;
  if (!pending.error.empty()) text += (text.empty() ? "" : ": ") + pending.error;
  if (pending.waits_for_retry()) text += "; tries again at " + pending.retry_at;
  return text;
}

/// A covered machine that neither runs the upgrade nor said anything final about it.
MachineStatus judge_unfinished(const FleetMachine& machine, const HotUpgrade& upgrade,
                               const std::optional<UpgradeResult>& result, WallTime now) {
  const auto began = time_or_epoch(result ? result->started_at : "");
  const auto again = time_or_epoch(result ? result->retry_at : "");
  const auto last_sign =
      std::max({time_or_epoch(upgrade.deployed_at), time_or_epoch(machine.record.booted_at), began, again});
  if (now - last_sign > kStaleAfter)
    return {machine, Verdict::stale, "still runs " + version_running(machine) + " and gave no final answer"};
  return {machine, Verdict::pending, result && !result->final() ? progress_of(*result) : ""};
}

/// What the pointer and its result say of it.
MachineStatus judge_record(const FleetMachine& machine, const std::optional<Pointer>& pointer,
                           const std::optional<UpgradeResult>& result, WallTime now) {
  if (machine.state == FleetState::unreadable) return {machine, Verdict::unreadable, "its record cannot be read"};
  if (machine.state == FleetState::gone) return {machine, Verdict::gone, "Fly knows no such machine"};
  if (machine.state == FleetState::silent)
    return {machine, Verdict::silent, "Fly says that it is " + machine.platform_state + ", but it has not checked in"};
  if (machine.state == FleetState::stopped)
    return {machine, Verdict::stopped, machine.platform_state == "suspended" ? "suspended" : ""};
  const bool covered = pointer && pointer->hot_upgrade() && pointer->is_for(machine.record.base_image_ref);
  if (!covered) {
    const std::string why =
        pointer && pointer->hot_upgrade() ? "the pointer is for another base image" : "no hot upgrade is published";
    return {machine, machine.record.hot_ref.empty() ? Verdict::base_image : Verdict::other_base, why};
  }
  const auto& upgrade = *pointer->hot_upgrade();
  if (const auto why = why_not_able(machine.record, upgrade.required_features); !why.empty())
    return {machine, machine.record.hot_ref.empty() ? Verdict::base_image : Verdict::other_base, why};
  if (result && result->status == UpgradeStatus::failed) return {machine, Verdict::failed, result->error};
  if (result && result->status == UpgradeStatus::rolled_back) return {machine, Verdict::rolled_back, result->error};
  const bool runs_it = machine.record.hot_ref == upgrade.hot_ref && machine.state == FleetState::serving;
  if (runs_it && (!result || result->final())) return {machine, Verdict::up_to_date, ""};
  return judge_unfinished(machine, upgrade, result, now);
}

}  // namespace

const char* to_string(Verdict verdict) noexcept {
  switch (verdict) {
    case Verdict::up_to_date: return "up_to_date";
    case Verdict::pending: return "pending";
    case Verdict::failed: return "failed";
    case Verdict::rolled_back: return "rolled_back";
    case Verdict::stale: return "stale";
    case Verdict::base_image: return "base_image";
    case Verdict::other_base: return "other_base";
    case Verdict::stopped: return "stopped";
    case Verdict::silent: return "silent";
    case Verdict::gone: return "gone";
    case Verdict::unreadable: return "unreadable";
  }
  return "unreadable";
}

MachineStatus judge(const FleetMachine& machine, const std::optional<Pointer>& pointer,
                    const std::optional<UpgradeResult>& result, WallTime now) {
  auto status = judge_record(machine, pointer, result, now);
  const auto& running = machine.record.base_image_ref;
  if (machine.platform_image.empty() || running.empty() || machine.platform_image == running) return status;
  status.why += (status.why.empty() ? "" : "; ") + ("Fly has another image for it, " + machine.platform_image);
  return status;
}

FleetVerdict judge_fleet(const FleetSnapshot& snapshot) {
  bool is_under_way = snapshot.machines.empty();
  for (const MachineStatus& status : snapshot.machines) {
    switch (status.verdict) {
      case Verdict::failed:
      case Verdict::rolled_back:
      case Verdict::other_base: return FleetVerdict::behind;
      case Verdict::pending:
      case Verdict::stale:
      case Verdict::silent:
      case Verdict::unreadable: is_under_way = true; break;
      case Verdict::up_to_date:
      case Verdict::base_image:
      case Verdict::stopped:
      case Verdict::gone: break;
    }
  }
  return is_under_way ? FleetVerdict::under_way : FleetVerdict::up_to_date;
}

Result<FleetSnapshot> FleetStatus::take(const CallLimits& limits) {
  MIDAIR_TRY(refresh_pointer(store_, layout_, limits, current_));
  mirror_results_of_pointer();
  if (results_) MIDAIR_TRY(results_->refresh(store_, limits));
  MIDAIR_TRY_ASSIGN(const auto machines, directory_.machines(store_, layout_.app, limits));
  FleetSnapshot snapshot;
  if (current_) snapshot.pointer = current_->pointer;
  for (const auto& machine : machines) {
    auto result = result_of(machine.record.machine_id);
    auto& status = snapshot.machines.emplace_back(judge(machine, snapshot.pointer, result, clock_.wall()));
    status.result = std::move(result);
  }
  return snapshot;
}

void FleetStatus::mirror_results_of_pointer() {
  const bool hot = current_ && current_->pointer.hot_upgrade();
  const auto upgrade_id = hot ? upgrade_id_of(current_->pointer.hot_upgrade()->hot_ref) : "";
  if (upgrade_id == upgrade_id_) return;
  upgrade_id_ = upgrade_id;
  results_.reset();
  if (hot) results_.emplace(layout_.results_prefix(upgrade_id), kMaxMachineStateBytes);
}

std::optional<UpgradeResult> FleetStatus::result_of(const std::string& machine_id) const {
  if (!results_) return std::nullopt;
  const auto key = layout_.result(upgrade_id_, machine_id);
  const auto entry = results_->entries().find(key);
  if (entry == results_->entries().end() || entry->second.unreadable) return std::nullopt;
  auto result = UpgradeResult::parse(entry->second.text, key);
  if (!result.ok() || result->machine_id != machine_id) return std::nullopt;
  return *std::move(result);
}

}  // namespace midair::host
