#include "midair/release/machine_state.h"

#include <array>
#include <cmath>
#include <iterator>

#include "midair/digest.h"
#include "midair/json/json.h"
#include "midair/release/draining_json.h"

namespace midair {

namespace {

using Poco::Dynamic::Var;
using Poco::JSON::Array;
using Poco::JSON::Object;

constexpr std::array kStates{MachineState::serving, MachineState::swapping, MachineState::stopped};
constexpr std::array kStatuses{UpgradeStatus::pending, UpgradeStatus::completed, UpgradeStatus::failed,
                               UpgradeStatus::rolled_back};

/// An error is for people, and may quote an app or a server at any length.
constexpr std::size_t kMaxErrorBytes = 2000;

/// At most that many bytes, and no half character. What was cut is not cut again.
std::string cut_error(const std::string& text) {
  if (text.size() <= kMaxErrorBytes) return text;
  constexpr std::string_view kMore = "...";
  std::size_t end = kMaxErrorBytes - kMore.size();
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return text.substr(0, end).append(kMore);
}

constexpr std::uint64_t kMaxExitStatus = 255;

/// As many of them, from the end, as a result may hold.
std::vector<std::string> last_lines(std::vector<std::string> lines) {
  std::size_t bytes = 0;
  auto first = lines.end();
  while (first != lines.begin() && static_cast<std::size_t>(lines.end() - first) < UpgradeResult::kMaxOutputLines &&
         (bytes += std::prev(first)->size()) <= UpgradeResult::kMaxOutputBytes)
    --first;
  lines.erase(lines.begin(), first);
  return lines;
}

Var null_if_empty(const std::string& text) { return text.empty() ? Var() : Var(text); }

/// JSON has no word for NaN and infinity.
Var null_if_unknown(const std::optional<double>& number) {
  return number && std::isfinite(*number) ? Var(*number) : Var();
}

Array::Ptr array_of(const std::vector<std::string>& strings) {
  Array::Ptr array = new Array;
  for (const auto& string : strings) array->add(string);
  return array;
}

/// An odd state must not hide the machine: it is unknown.
MachineState read_state(JsonReader& reader) {
  const std::string name = reader.optional_string("state");
  for (const MachineState state : kStates)
    if (name == to_string(state)) return state;
  return MachineState::unknown;
}

UpgradeStatus read_status(JsonReader& reader) {
  const std::string name = reader.string("status");
  for (const UpgradeStatus status : kStatuses)
    if (name == to_string(status)) return status;
  reader.complain("field 'status' is none of pending, completed, failed, rolled_back");
  return UpgradeStatus::pending;
}

/// What is odd in it must not hide the machine: it is left empty.
DrainingProcess read_draining(const Object& json) {
  JsonReader reader(json, "draining");
  DrainingProcess process;
  process.version = reader.optional_string("version");
  process.since = reader.optional_string("since");
  process.deadline = reader.optional_string("deadline");
  process.busy = reader.optional_unsigned("busy").value_or(0);
  process.idle = reader.optional_unsigned("idle").value_or(0);
  process.streaming = reader.optional_unsigned("streaming").value_or(0);
  return process;
}

}  // namespace

const char* to_string(MachineState state) noexcept {
  switch (state) {
    case MachineState::unknown: return "";
    case MachineState::serving: return "serving";
    case MachineState::swapping: return "swapping";
    case MachineState::stopped: return "stopped";
  }
  return "";
}

Object::Ptr to_json(const DrainingProcess& process) {
  Object::Ptr json = new Object;
  json->set("version", process.version);
  json->set("since", process.since);
  json->set("deadline", process.deadline);
  json->set("busy", static_cast<Poco::UInt64>(process.busy));
  json->set("idle", static_cast<Poco::UInt64>(process.idle));
  json->set("streaming", static_cast<Poco::UInt64>(process.streaming));
  return json;
}

Result<MachineRecord> MachineRecord::parse(std::string_view text, const std::string& subject) {
  MIDAIR_TRY_ASSIGN(const Object::Ptr json, parse_json_object(text, subject, kMaxMachineStateBytes));
  JsonReader reader(*json, subject);
  MachineRecord record;
  record.machine_id = reader.string("machine_id");
  record.region = reader.optional_string("region");
  record.process_group = reader.optional_string("process_group");
  record.base_image_ref = reader.optional_string("base_image_ref");
  record.hot_ref = reader.optional_string("hot_ref");
  record.version = reader.optional_string("version");
  record.digest = reader.optional_string("digest");
  record.sequence = reader.optional_unsigned("sequence").value_or(0);
  record.fingerprint = reader.optional_string("fingerprint");
  record.state = read_state(reader);
  record.sidecar_version = reader.optional_string("sidecar_version");
  record.booted_at = reader.optional_string("booted_at");
  record.updated_at = reader.optional_string("updated_at");
  record.problem = reader.optional_string("problem");
  record.features = reader.optional_strings("features");
  if (const auto list = reader.optional_array("draining"))
    for (unsigned i = 0; i < list->size(); ++i)
      if (const auto process = list->getObject(i)) record.draining.push_back(read_draining(*process));
  MIDAIR_TRY(reader.finish());
  return record;
}

std::string MachineRecord::to_json() const {
  Object json;
  json.set("machine_id", machine_id);
  json.set("region", region);
  json.set("process_group", process_group);
  json.set("base_image_ref", base_image_ref);
  json.set("hot_ref", null_if_empty(hot_ref));
  json.set("version", null_if_empty(version));
  json.set("digest", null_if_empty(digest));
  json.set("sequence", static_cast<Poco::UInt64>(sequence));
  json.set("fingerprint", fingerprint);
  json.set("state", std::string(to_string(state)));
  json.set("sidecar_version", sidecar_version);
  json.set("booted_at", booted_at);
  json.set("updated_at", updated_at);
  if (!problem.empty()) json.set("problem", problem);
  if (!features.empty()) json.set("features", array_of(features));
  Array::Ptr old_processes = new Array;
  for (const DrainingProcess& process : draining) old_processes->add(midair::to_json(process));
  if (!draining.empty()) json.set("draining", old_processes);
  return to_canonical_json(json);
}

const char* to_string(UpgradeStatus status) noexcept {
  switch (status) {
    case UpgradeStatus::pending: return "pending";
    case UpgradeStatus::completed: return "completed";
    case UpgradeStatus::failed: return "failed";
    case UpgradeStatus::rolled_back: return "rolled_back";
  }
  return "pending";
}

Result<UpgradeResult> UpgradeResult::parse(std::string_view text, const std::string& subject) {
  MIDAIR_TRY_ASSIGN(const Object::Ptr json, parse_json_object(text, subject, kMaxMachineStateBytes));
  JsonReader reader(*json, subject);
  UpgradeResult result;
  result.machine_id = reader.string("machine_id");
  result.region = reader.optional_string("region");
  result.status = read_status(reader);
  result.started_at = reader.optional_string("started_at");
  result.applied_at = reader.optional_string("applied_at");
  result.error = cut_error(reader.optional_string("error"));
  result.modules_reloaded = reader.optional_unsigned("modules_reloaded").value_or(0);
  result.module_names = reader.optional_strings("module_names");
  result.processes_succeeded = reader.optional_unsigned("processes_succeeded").value_or(0);
  result.processes_failed = reader.optional_unsigned("processes_failed").value_or(0);
  result.process_names = reader.optional_strings("process_names");
  result.suspend_duration_ms = reader.optional_number("suspend_duration_ms");
  result.total_duration_ms = reader.optional_number("total_duration_ms");
  result.step = reader.optional_string("step");
  result.version = reader.optional_string("version");
  result.sequence = reader.optional_unsigned("sequence").value_or(0);
  result.observed_digest = reader.optional_string("observed_digest");
  result.retry_at = reader.optional_string("retry_at");
  result.output = last_lines(reader.optional_strings("output"));
  if (const auto status = reader.optional_unsigned("exit_status"); status && *status <= kMaxExitStatus)
    result.exit_status = static_cast<int>(*status);
  result.signal = reader.optional_string("signal");
  MIDAIR_TRY(reader.finish());
  // A failure that will be tried again: older sidecars called it failed at once.
  if (result.status == UpgradeStatus::failed && !result.retry_at.empty()) result.status = UpgradeStatus::pending;
  return result;
}

std::string UpgradeResult::to_json() const {
  Object json;
  json.set("machine_id", machine_id);
  json.set("region", region);
  json.set("status", std::string(to_string(status)));
  json.set("started_at", started_at);
  json.set("step", step);
  json.set("version", version);
  json.set("sequence", static_cast<Poco::UInt64>(sequence));
  if (!output.empty()) json.set("output", array_of(last_lines(output)));
  if (exit_status) json.set("exit_status", *exit_status);
  if (!signal.empty()) json.set("signal", signal);
  if (!final()) {
    if (!error.empty()) json.set("error", cut_error(error));
    if (!retry_at.empty()) json.set("retry_at", retry_at);
    return to_canonical_json(json);
  }

  json.set("success", status == UpgradeStatus::completed);
  json.set("applied_at", null_if_empty(applied_at));
  json.set("error", null_if_empty(cut_error(error)));
  json.set("modules_reloaded", static_cast<Poco::UInt64>(modules_reloaded));
  json.set("module_names", array_of(module_names));
  json.set("processes_succeeded", static_cast<Poco::UInt64>(processes_succeeded));
  json.set("processes_failed", static_cast<Poco::UInt64>(processes_failed));
  json.set("process_names", array_of(process_names));
  json.set("suspend_duration_ms", null_if_unknown(suspend_duration_ms));
  json.set("total_duration_ms", null_if_unknown(total_duration_ms));
  json.set("observed_digest", null_if_empty(observed_digest));
  return to_canonical_json(json);
}

std::string fingerprint_of(std::string_view base_image_ref, std::string_view hot_ref) {
  return sha256_hex(std::string(base_image_ref) + "\n" + std::string(hot_ref)).substr(0, 12);
}

}  // namespace midair
