#include "status_view.h"

#include <algorithm>
#include <array>
#include <vector>

#include "failure_view.h"
#include "midair/foreign_text.h"
#include "midair/host/command_support.h"
#include "midair/human.h"
#include "midair/json/json.h"
#include "midair/release/draining_json.h"

namespace midair::host::hot {

namespace {

using Poco::JSON::Array;
using Poco::JSON::Object;

constexpr std::size_t kColumns = 8;
using Row = std::array<std::string, kColumns>;
constexpr std::size_t kVerdictColumn = kColumns - 1;

Array array_of(const std::vector<std::string>& texts) {
  Array array;
  for (const std::string& text : texts) array.add(text);
  return array;
}

Poco::Dynamic::Var pointer_json(const std::optional<Pointer>& pointer) {
  if (!pointer || !pointer->hot_upgrade()) return {};
  const auto& upgrade = *pointer->hot_upgrade();
  Object json;
  json.set("image_ref", pointer->image_ref());
  json.set("version", upgrade.version);
  json.set("source_image_ref", upgrade.hot_ref);
  json.set("upgrade_id", upgrade_id_of(upgrade.hot_ref));
  json.set("sequence", upgrade.sequence);
  json.set("sha256", upgrade.digest);
  json.set("deployed_at", upgrade.deployed_at);
  json.set("refused", pointer->refused());
  const auto& good = pointer->last_good();
  json.set("last_good", good ? Poco::Dynamic::Var(good->version) : Poco::Dynamic::Var());
  json.set("requires", array_of(upgrade.required_features));
  return json;
}

Object machine_json(const MachineStatus& status, Detail detail) {
  const auto& machine = status.machine.record;
  Object json;
  json.set("machine_id", machine.machine_id);
  json.set("region", machine.region);
  json.set("process_group", machine.process_group);
  json.set("base_image_ref", machine.base_image_ref);
  json.set("hot_ref", machine.hot_ref);
  json.set("version", machine.version);
  json.set("digest", machine.digest);
  json.set("sequence", machine.sequence);
  json.set("fingerprint", machine.fingerprint);
  json.set("state", std::string(to_string(status.machine.state)));
  const auto set_if_known = [&](const char* name, const std::string& text) {
    if (!text.empty()) json.set(name, text);
  };
  set_if_known("platform_state", status.machine.platform_state);
  set_if_known("platform_image", status.machine.platform_image);
  set_if_known("problem", machine.problem);
  Array draining;
  for (const DrainingProcess& process : machine.draining) draining.add(to_json(process));
  if (draining.size() > 0) json.set("draining", draining);
  json.set("features", array_of(machine.features));
  json.set("updated_at", machine.updated_at);
  json.set("verdict", std::string(to_string(status.verdict)));
  json.set("why", status.why);
  if (detail == Detail::full && status.result) json.set("result", result_json(*status.result));
  return json;
}

std::string headline(const FleetSnapshot& snapshot, const std::string& app, WallTime now) {
  if (!snapshot.pointer || !snapshot.pointer->hot_upgrade()) return app + ": no hot upgrade is published\n";
  const auto& upgrade = *snapshot.pointer->hot_upgrade();
  std::string text = app + ": " + tame(upgrade.version) + ", sequence " + std::to_string(upgrade.sequence);
  if (const auto deployed_at = parse_rfc3339(upgrade.deployed_at))
    text += ", published " + format_age(now - *deployed_at) + " ago";
  const auto& image = snapshot.pointer->image_ref();
  text += (image.empty() ? ", for no base image" : ", for base image " + tame(image)) + "\n";
  if (!snapshot.pointer->refused()) return text;
  const auto& good = snapshot.pointer->last_good();
  return text + "refused by all machines that tried it; those that start run " +
         (good ? tame(good->version) + ", the last good release" : "their base image") + "\n";
}

std::string words_of(Verdict verdict) {
  switch (verdict) {
    case Verdict::base_image: return "on its base image";
    case Verdict::other_base: return "not covered";
    default: {
      std::string words = to_string(verdict);
      std::ranges::replace(words, '_', ' ');
      return words;
    }
  }
}

std::string colour_of(Verdict verdict) {
  switch (verdict) {
    case Verdict::up_to_date: return "green";
    case Verdict::failed:
    case Verdict::rolled_back:
    case Verdict::gone:
    case Verdict::unreadable: return "red";
    case Verdict::pending:
    case Verdict::silent:
    case Verdict::stale: return "yellow";
    default: return "dim";
  }
}

Row row_of(const MachineStatus& status) {
  const auto& machine = status.machine.record;
  const auto or_dash = [](const std::string& text) { return text.empty() ? std::string("-") : tame(text); };
  return {or_dash(machine.machine_id),
          or_dash(machine.region),
          or_dash(short_image(machine.base_image_ref)),
          or_dash(machine.version),
          or_dash(machine.digest.substr(0, 12)),
          or_dash(machine.fingerprint),
          or_dash(to_string(status.machine.state)),
          words_of(status.verdict) + (status.why.empty() ? "" : ": " + tame(status.why))};
}

std::string line_of(const Row& row, const std::array<std::size_t, kColumns>& widths, const Console& console,
                    const std::string& colour) {
  std::string line;
  for (std::size_t i = 0; i < kVerdictColumn; ++i) line += row[i] + std::string(widths[i] - row[i].size() + 2, ' ');
  return line + console.colour(colour, row[kVerdictColumn]) + "\n";
}

/// Below a machine's row: why nothing can be installed there, if so.
std::string problem_line_of(const MachineRecord& record, const Console& console) {
  if (record.problem.empty()) return {};
  return "  " + console.colour("yellow", "problem: " + one_line(record.problem)) + "\n";
}

/// Below a machine's row: its old processes that finish what they had begun.
std::string draining_lines_of(const MachineRecord& record) {
  std::string lines;
  for (const DrainingProcess& process : record.draining)
    lines += "  drains: " + (process.version.empty() ? "base image" : one_line(process.version)) +
             ", connections busy " + std::to_string(process.busy) + ", idle " + std::to_string(process.idle) +
             ", streaming " + std::to_string(process.streaming) + "; until " + one_line(process.deadline) +
             " at most\n";
  return lines;
}

}  // namespace

std::string to_json(const FleetSnapshot& snapshot, const std::string& app, Detail detail) {
  Array machines;
  for (const auto& status : snapshot.machines) machines.add(machine_json(status, detail));
  Object json;
  json.set("app", app);
  json.set("pointer", pointer_json(snapshot.pointer));
  json.set("machines", machines);
  return to_canonical_json(json);
}

std::string to_text(const FleetSnapshot& snapshot, const std::string& app, const Console& console, WallTime now,
                    Detail detail) {
  if (snapshot.machines.empty()) return headline(snapshot, app, now) + "No machine has checked in.\n";
  const Row titles{"MACHINE", "REGION", "BASE", "VERSION", "DIGEST", "FINGERPRINT", "STATE", "VERDICT"};
  std::vector<Row> rows;
  std::array<std::size_t, kColumns> widths{};
  const auto widen = [&](const Row& row) {
    for (std::size_t i = 0; i < kColumns; ++i) widths[i] = std::max(widths[i], row[i].size());
  };
  widen(titles);
  for (const auto& status : snapshot.machines) widen(rows.emplace_back(row_of(status)));

  auto text = headline(snapshot, app, now) + line_of(titles, widths, console, "bold");
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto& status = snapshot.machines[i];
    text += line_of(rows[i], widths, console, colour_of(status.verdict)) +
            problem_line_of(status.machine.record, console) + draining_lines_of(status.machine.record);
    if (detail == Detail::full && status.result) text += failure_text(*status.result, status.result->output.size());
  }
  return text;
}

}  // namespace midair::host::hot
