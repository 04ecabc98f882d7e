#include "midair/host/upgrade/upgrade_events.h"

#include <algorithm>

#include "midair/json/json.h"
#include "midair/release/draining_json.h"

namespace midair::host {

namespace {

using Poco::JSON::Array;
using Poco::JSON::Object;

double milliseconds(std::chrono::nanoseconds took) { return std::chrono::duration<double, std::milli>(took).count(); }

Object times_json(const StepTimes& times) {
  Object json;
  json.set("pack", milliseconds(times.pack));
  json.set("lock", milliseconds(times.lock));
  json.set("upload", milliseconds(times.upload));
  json.set("publish", milliseconds(times.publish));
  json.set("follow", milliseconds(times.follow));
  json.set("total", milliseconds(times.total));
  return json;
}

Array left_out_json(const std::vector<LeftOut>& left_out) {
  Array json;
  for (const LeftOut& entry : left_out) {
    Object object;
    object.set("path", entry.name);
    object.set("by", to_string(entry.by));
    json.add(object);
  }
  return json;
}

Array array_of(const std::vector<std::string>& texts) {
  Array array;
  for (const std::string& text : texts) array.add(text);
  return array;
}

Object outlook_json(const Outlook& outlook) {
  Object json;
  json.set("refused", outlook.refused);
  json.set("last_good", outlook.last_good.empty() ? Poco::Dynamic::Var() : Poco::Dynamic::Var(outlook.last_good));
  return json;
}

void set_draining(Object& json, const std::vector<DrainingProcess>& draining) {
  if (draining.empty()) return;
  Array processes;
  for (const DrainingProcess& process : draining) processes.add(to_json(process));
  json.set("draining", processes);
}

/// The name and the fields of each event.
struct Describe {
  Object& json;

  std::string operator()(const ReleasePacked& packed) const {
    json.set("app", packed.app);
    json.set("version", packed.version);
    json.set("strategy", packed.strategy);
    json.set("files", packed.files);
    json.set("size", packed.size);
    json.set("unpacked_size", packed.unpacked_size);
    json.set("sha256", packed.digest);
    json.set("requires", array_of(packed.required_features));
    json.set("took_ms", milliseconds(packed.took));
    json.set("left_out", left_out_json(packed.left_out));
    return "packed";
  }

  std::string operator()(const ReleaseChosen& chosen) const {
    json.set("version", chosen.earlier.version);
    json.set("strategy", chosen.earlier.strategy);
    json.set("size", chosen.earlier.size);
    json.set("sha256", chosen.earlier.digest);
    json.set("sequence", chosen.earlier.sequence);
    json.set("deployed_at", chosen.earlier.deployed_at);
    return "chosen";
  }

  std::string operator()(const FleetPlanned& fleet) const {
    Array covered;
    for (const auto& machine : fleet.plan.covered) covered.add(machine.record.machine_id);
    Array uncovered;
    for (const auto& [machine, reason] : fleet.plan.uncovered) {
      Object entry;
      entry.set("machine_id", machine.record.machine_id);
      entry.set("reason", reason);
      uncovered.add(entry);
    }
    json.set("base_image", fleet.plan.base_image);
    json.set("covered", covered);
    json.set("uncovered", uncovered);
    return "fleet";
  }

  std::string operator()(const UpgradePlan& plan) const {
    json.set("tarball", plan.tarball_key);
    json.set("upload", plan.upload == UploadOutcome::uploaded);
    json.set("sequence", plan.sequence);
    return "plan";
  }

  std::string operator()(const DeployLocked& locked) const {
    json.set("fence", locked.fence);
    json.set("took_ms", milliseconds(locked.took));
    return "locked";
  }

  std::string operator()(const TarballUploaded& uploaded) const {
    json.set("tarball", uploaded.key);
    json.set("already_there", uploaded.outcome == UploadOutcome::already_there);
    json.set("took_ms", milliseconds(uploaded.took));
    return "uploaded";
  }

  std::string operator()(const UpgradePublished& published) const {
    json.set("upgrade_id", published.upgrade_id);
    json.set("source_image_ref", published.upgrade.hot_ref);
    json.set("version", published.upgrade.version);
    json.set("sequence", published.upgrade.sequence);
    json.set("deployed_at", published.upgrade.deployed_at);
    json.set("took_ms", milliseconds(published.took));
    return "published";
  }

  std::string operator()(const MachineAnswered& answered) const {
    // A result that came out of the store as JSON goes back into it.
    if (auto result = parse_json_object(answered.result.to_json(), "result", kMaxMachineStateBytes); result.ok())
      json = **result;
    set_draining(json, answered.draining);
    return "result";
  }

  std::string operator()(const UpgradeSummary& summary) const {
    Array machines;
    for (const auto& machine : summary.machines) {
      Object entry;
      entry.set("machine_id", machine.machine_id);
      entry.set("region", machine.region);
      entry.set("outcome", std::string(to_string(machine.outcome)));
      entry.set("why", machine.why);
      set_draining(entry, machine.draining);
      machines.add(entry);
    }
    json.set("version", summary.upgrade.version);
    json.set("sequence", summary.upgrade.sequence);
    json.set("upgrade_id", summary.upgrade_id);
    for (const auto outcome : kOutcomes) json.set(to_string(outcome), summary.count(outcome));
    json.set("machines", machines);
    json.set("interrupted", summary.interrupted);
    if (summary.outlook) json.set("outlook", outlook_json(*summary.outlook));
    json.set("took_ms", times_json(summary.times));
    return "summary";
  }

  std::string operator()(const UpgradeNotice& notice) const {
    json.set("text", notice.text);
    return "notice";
  }

  std::string operator()(const UpgradeProgress& progress) const {
    json.set("text", progress.text);
    return "progress";
  }
};

}  // namespace

std::size_t UpgradeSummary::count(Outcome outcome) const {
  return std::ranges::count(machines, outcome, &MachineOutcome::outcome);
}

std::string name_of(const UpgradeEvent& event) {
  Object ignored;
  return std::visit(Describe{ignored}, event);
}

Poco::JSON::Object fields_of(const UpgradeEvent& event) {
  Object json;
  std::visit(Describe{json}, event);
  return json;
}

}  // namespace midair::host
