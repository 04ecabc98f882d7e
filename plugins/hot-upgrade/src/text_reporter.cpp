#include "text_reporter.h"

#include <algorithm>
#include <map>

#include "failure_view.h"
#include "midair/foreign_text.h"
#include "midair/host/command_support.h"
#include "midair/human.h"
#include "midair/release/features.h"

namespace midair::host::hot {

namespace {

constexpr std::size_t kStepWidth = 11;
constexpr std::size_t kStateWidth = 13;
/// Of what is left out by default.
constexpr std::size_t kMostNamed = 10;
constexpr std::size_t kShownLines = 10;  ///< of what a process wrote

/// At least one space wide, whatever the text.
std::string padded(std::string text, std::size_t width) {
  text.resize(std::max(width, text.size() + 1), ' ');
  return text;
}

std::string count_files(std::size_t count) { return std::to_string(count) + (count == 1 ? " file" : " files"); }

/// ".env, .git/ by default; 12 by ignore files": by name what nobody asked for, counted what somebody did.
std::string summary_of(const std::vector<LeftOut>& left_out) {
  std::string text;
  std::map<LeftOutBy, std::size_t> counts;
  for (const LeftOut& entry : left_out) {
    const bool is_named = ++counts[entry.by] <= kMostNamed && entry.by == LeftOutBy::by_default;
    if (is_named) text += (text.empty() ? "" : ", ") + tame(entry.name);
  }
  const std::size_t by_default = counts[LeftOutBy::by_default];
  if (by_default > kMostNamed) text += " and " + std::to_string(by_default - kMostNamed) + " more";
  if (by_default > 0) text += " by default";
  const auto add = [&](LeftOutBy by, const char* words) {
    if (counts[by] > 0) text += (text.empty() ? "" : "; ") + std::to_string(counts[by]) + words;
  };
  add(LeftOutBy::ignore_file, " by ignore files");
  add(LeftOutBy::option, " by options");
  return text;
}

std::string in(std::chrono::nanoseconds took) { return " in " + format_took(took); }

std::chrono::nanoseconds from_ms(double milliseconds) {
  return std::chrono::nanoseconds(static_cast<std::int64_t>(milliseconds * 1e6));
}

std::string durations_of(const UpgradeResult& result) {
  std::string text;
  if (result.suspend_duration_ms) text += "paused " + format_took(from_ms(*result.suspend_duration_ms));
  if (result.total_duration_ms)
    text += (text.empty() ? "took " : ", took ") + format_took(from_ms(*result.total_duration_ms));
  return text;
}

/// "upgraded; 1 old process drains, 3 connections": nobody waits for them.
std::string upgraded_and(const std::vector<DrainingProcess>& draining) {
  if (draining.empty()) return "upgraded";
  std::uint64_t connections = 0;
  for (const DrainingProcess& process : draining) connections += process.busy + process.idle + process.streaming;
  return "upgraded; " + std::to_string(draining.size()) +
         (draining.size() == 1 ? " old process drains, " : " old processes drain, ") + std::to_string(connections) +
         (connections == 1 ? " connection" : " connections");
}

std::string steps_of(const StepTimes& times) {
  return "pack " + format_took(times.pack) + ", lock " + format_took(times.lock) + ", upload " +
         format_took(times.upload) + ", publish " + format_took(times.publish) + ", follow " +
         format_took(times.follow);
}

}  // namespace

void TextReporter::step(const char* name, const std::string& text) {
  console_.print(console_.colour("bold", padded(name, kStepWidth)) + text + "\n");
}

void TextReporter::machine(const std::string& id, const std::string& region, const char* colour,
                           const std::string& state, const std::string& text) {
  console_.print("  " + padded(tame(id), 16) + padded(tame(region), 5) +
                 console_.colour(colour, text.empty() ? state : padded(state, kStateWidth)) + tame(text) + "\n");
}

void TextReporter::hear(const Event& event) {
  if (const auto* upgrade = event.as<UpgradeEvent>()) std::visit([this](const auto& what) { tell(what); }, *upgrade);
}

void TextReporter::tell(const ReleasePacked& packed) {
  step("packed", packed.version + ": " + count_files(packed.files) + ", " + format_size(packed.size) + ", sha256 " +
                     packed.digest.substr(0, 12) + in(packed.took));
  if (!packed.left_out.empty()) step("left out", summary_of(packed.left_out));
  if (!packed.required_features.empty())
    step("requires", list_features(packed.required_features) + " of the machines' sidecars");
}

void TextReporter::tell(const ReleaseChosen& chosen) {
  const auto& earlier = chosen.earlier;
  step("goes back", "to " + tame(earlier.version) + ", published at " + tame(earlier.deployed_at) + " as sequence " +
                        std::to_string(earlier.sequence) + ": " + format_size(earlier.size) + ", sha256 " +
                        earlier.digest.substr(0, 12) + "; the store has it");
}

void TextReporter::tell(const FleetPlanned& fleet) {
  const auto& plan = fleet.plan;
  step("covers", count_machines(plan.covered.size()) + " on base image " + tame(plan.base_image));
  for (const auto& [left_out, reason] : plan.uncovered)
    machine(left_out.record.machine_id, left_out.record.region, "yellow", "not covered", reason);
}

void TextReporter::tell(const UpgradePlan& plan) {
  step("would", plan.upload == UploadOutcome::uploaded ? "upload " + plan.tarball_key
                                                       : "upload nothing; the same bytes are at " + plan.tarball_key);
  step("would", "publish it as sequence " + std::to_string(plan.sequence));
  step("dry run", "nothing was changed");
}

void TextReporter::tell(const DeployLocked& locked) {
  step("locked", "with fence " + std::to_string(locked.fence) + in(locked.took));
}

void TextReporter::tell(const TarballUploaded& uploaded) {
  step("uploaded", uploaded.outcome == UploadOutcome::uploaded ? uploaded.key + in(uploaded.took)
                                                               : "nothing; the same bytes are at " + uploaded.key);
}

void TextReporter::tell(const UpgradePublished& published) {
  step("published", "sequence " + std::to_string(published.upgrade.sequence) + ", upgrade " + published.upgrade_id +
                        in(published.took));
}

void TextReporter::tell(const MachineAnswered& answered) {
  const auto& result = answered.result;
  const auto say = [&](const char* colour, const std::string& state, const std::string& text) {
    machine(result.machine_id, result.region, colour, state, text);
  };
  switch (result.status) {
    case UpgradeStatus::pending:
      if (!result.waits_for_retry())
        return say("dim", result.step.empty() ? "pending" : tame(result.step), result.error);
      say("yellow", "will retry", "at " + result.retry_at + ": " + result.error);
      break;
    case UpgradeStatus::completed: return say("green", upgraded_and(answered.draining), durations_of(result));
    case UpgradeStatus::failed: say("red", "failed", result.error); break;
    case UpgradeStatus::rolled_back: say("red", "rolled back", result.error); break;
  }
  console_.print(failure_text(result, kShownLines));
}

void TextReporter::tell(const UpgradeSummary& summary) {
  for (const auto& [id, region, outcome, why, draining] : summary.machines) {
    if (outcome == Outcome::no_answer) machine(id, region, "yellow", "no answer", why);
    if (outcome == Outcome::retrying) machine(id, region, "yellow", "will retry", why);
  }

  const auto upgraded = summary.count(Outcome::upgraded);
  std::string text = std::to_string(upgraded) + " of " + count_machines(summary.machines.size()) + " upgraded to " +
                     summary.upgrade.version;
  const auto add = [&](Outcome outcome, const char* words) {
    if (const auto count = summary.count(outcome); count > 0) text += ", " + std::to_string(count) + " " + words;
  };
  add(Outcome::failed, "failed");
  add(Outcome::rolled_back, "rolled back");
  add(Outcome::retrying, "will try again");
  add(Outcome::no_answer, "gave no answer");
  step("done", console_.colour(summary.everywhere() ? "green" : "red", text) + in(summary.times.total) + " (" +
                   steps_of(summary.times) + ")");
  if (summary.outlook) tell(*summary.outlook, summary.upgrade.version);
  if (summary.interrupted)
    console_.print("Interrupted while watching: the machines go on by themselves. Look with: midair status --watch\n");
}

void TextReporter::tell(const Outlook& outlook, const std::string& version) {
  const std::string fallback =
      outlook.last_good.empty() ? "their base image" : tame(outlook.last_good) + ", the last good release";
  step("from now", outlook.refused ? "machines that start run " + fallback + ": none tries " + version + " again"
                                   : "machines that start try " + version + ", and run " + fallback + " if they fail");
  step("next", outlook.last_good.empty()
                   ? "ship a fix: midair hot --from DIR"
                   : "ship a fix, or go back to " + tame(outlook.last_good) + ": midair rollback");
}

void TextReporter::tell(const UpgradeNotice& notice) {
  console_.print(console_.colour("yellow", "NOTICE: " + tame(notice.text)) + "\n");
}

}  // namespace midair::host::hot
