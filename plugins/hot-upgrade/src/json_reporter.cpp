#include "json_reporter.h"

#include "midair/json/json.h"

namespace midair::host::hot {

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

}  // namespace

void JsonReporter::emit(const char* event, Object fields) {
  fields.set("event", std::string(event));
  console_.print_json_line(to_canonical_json(fields));
}

void JsonReporter::packed(const LocalRelease& release, std::chrono::nanoseconds took) {
  const auto& packed = release.packed;
  Object json;
  json.set("app", packed.manifest.app);
  json.set("version", packed.manifest.version);
  json.set("strategy", packed.manifest.strategy);
  json.set("files", packed.manifest.files.size());
  json.set("size", packed.size);
  json.set("unpacked_size", packed.unpacked_size);
  json.set("sha256", packed.sha256);
  json.set("took_ms", milliseconds(took));
  emit("packed", json);
}

void JsonReporter::fleet(const FleetPlan& plan) {
  Array covered;
  for (const auto& machine : plan.covered) covered.add(machine.machine_id);
  Array uncovered;
  for (const auto& [machine, reason] : plan.uncovered) {
    Object entry;
    entry.set("machine_id", machine.machine_id);
    entry.set("reason", reason);
    uncovered.add(entry);
  }
  Object json;
  json.set("base_image", plan.base_image);
  json.set("covered", covered);
  json.set("uncovered", uncovered);
  emit("fleet", json);
}

void JsonReporter::planned(const HotPlan& plan) {
  Object json;
  json.set("tarball", plan.tarball_key);
  json.set("upload", plan.upload == UploadOutcome::uploaded);
  json.set("sequence", plan.sequence);
  emit("plan", json);
}

void JsonReporter::locked(std::uint64_t fence, std::chrono::nanoseconds took) {
  Object json;
  json.set("fence", fence);
  json.set("took_ms", milliseconds(took));
  emit("locked", json);
}

void JsonReporter::uploaded(const std::string& key, UploadOutcome outcome, std::chrono::nanoseconds took) {
  Object json;
  json.set("tarball", key);
  json.set("already_there", outcome == UploadOutcome::already_there);
  json.set("took_ms", milliseconds(took));
  emit("uploaded", json);
}

void JsonReporter::published(const HotUpgrade& upgrade, const std::string& upgrade_id, std::chrono::nanoseconds took) {
  Object json;
  json.set("upgrade_id", upgrade_id);
  json.set("source_image_ref", upgrade.source_image_ref);
  json.set("version", upgrade.version);
  json.set("sequence", upgrade.sequence);
  json.set("deployed_at", upgrade.deployed_at);
  json.set("took_ms", milliseconds(took));
  emit("published", json);
}

void JsonReporter::result(const UpgradeResult& result) {
  const auto json = parse_json_object(result.to_json(), "result", kMaxMachineStateBytes);
  if (json.ok()) emit("result", **json);
}

void JsonReporter::summary(const HotSummary& summary) {
  Array machines;
  for (const auto& machine : summary.machines) {
    Object entry;
    entry.set("machine_id", machine.machine_id);
    entry.set("region", machine.region);
    entry.set("outcome", std::string(to_string(machine.outcome)));
    entry.set("why", machine.why);
    machines.add(entry);
  }
  Object json;
  json.set("version", summary.upgrade.version);
  json.set("sequence", summary.upgrade.sequence);
  json.set("upgrade_id", summary.upgrade_id);
  for (const auto outcome : {Outcome::upgraded, Outcome::failed, Outcome::rolled_back, Outcome::no_answer})
    json.set(to_string(outcome), summary.count(outcome));
  json.set("machines", machines);
  json.set("interrupted", summary.interrupted);
  json.set("took_ms", times_json(summary.times));
  emit("summary", json);
}

void JsonReporter::notice(const std::string& text) {
  Object json;
  json.set("text", text);
  emit("notice", json);
}

}  // namespace midair::host::hot
