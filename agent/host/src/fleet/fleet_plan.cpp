#include "midair/host/fleet/fleet_plan.h"

#include <map>

#include "midair/human.h"
#include "midair/release/features.h"

namespace midair::host {

namespace {

using ImageCounts = std::map<std::string, std::size_t>;

ImageCounts count_images(const std::vector<FleetMachine>& fleet) {
  ImageCounts counts;
  for (const auto& machine : fleet)
    if (can_answer(machine)) ++counts[machine.record.base_image_ref];
  return counts;
}

std::string list_images(const ImageCounts& counts) {
  std::string text;
  for (const auto& [image, count] : counts)
    text += (text.empty() ? "" : ", ") + (image.empty() ? "no image" : image) + " (" + count_machines(count) + ")";
  return text;
}

Error refusal(std::string cause, std::string hint) {
  return {Errc::refused, "choose the machines to upgrade", "", std::move(cause), std::move(hint)};
}

Result<std::string> agreed_image(const ImageCounts& counts) {
  if (counts.empty())
    return refusal("no running machine has checked in",
                   "start a machine with midair-sidecar, or name the image that will run: --image REF --force");
  if (counts.size() > 1)
    return refusal("the machines run different base images: " + list_images(counts), "choose one with --image REF");
  return counts.begin()->first;
}

std::string reason_not_covered(const FleetMachine& machine, const std::string& base_image,
                               const std::vector<std::string>& required_features) {
  switch (machine.state) {
    case FleetState::unreadable: return "its record cannot be read";
    case FleetState::silent: return "it has not checked in";
    case FleetState::gone: return "Fly knows no such machine";
    case FleetState::stopped: return "stopped; it looks for its upgrade when it starts";
    case FleetState::unknown:
    case FleetState::serving:
    case FleetState::swapping: break;
  }
  if (machine.record.base_image_ref == base_image) return why_not_able(machine.record, required_features);
  return "runs another base image, " + machine.record.base_image_ref;
}

/// All that run the base image have an older sidecar.
Error nobody_is_able(const FleetPlan& plan) {
  std::string reasons;
  for (const auto& [machine, reason] : plan.uncovered)
    if (can_answer(machine) && machine.record.base_image_ref == plan.base_image)
      reasons += (reasons.empty() ? "" : "; ") + machine.record.machine_id + ": " + reason;
  return refusal("no running machine with the base image " + plan.base_image + " can take it (" + reasons + ")",
                 "bring midair-sidecar in the image up to date and fly deploy once, or leave out what requires that");
}

}  // namespace

std::string why_not_able(const MachineRecord& record, const std::vector<std::string>& required_features) {
  const auto missing = missing_features(required_features, record.features);
  if (missing.empty()) return {};
  return "its sidecar" + (record.sidecar_version.empty() ? "" : " " + record.sidecar_version) +
         " lacks what the release requires: " + list_features(missing);
}

bool covers(const std::string& base_image, const std::vector<std::string>& required_features,
            const FleetMachine& machine) {
  return can_answer(machine) && machine.record.base_image_ref == base_image &&
         missing_features(required_features, machine.record.features).empty();
}

Result<FleetPlan> plan_fleet(const std::vector<FleetMachine>& fleet, const std::optional<std::string>& image,
                             Force force, const std::vector<std::string>& required_features) {
  const auto counts = count_images(fleet);
  FleetPlan plan;
  if (image) {
    plan.base_image = *image;
  } else {
    MIDAIR_TRY_ASSIGN(plan.base_image, agreed_image(counts));
  }

  for (const auto& machine : fleet) {
    if (covers(plan.base_image, required_features, machine))
      plan.covered.push_back(machine);
    else
      plan.uncovered.push_back({machine, reason_not_covered(machine, plan.base_image, required_features)});
  }
  if (plan.covered.empty() && force == Force::no && counts.contains(plan.base_image)) return nobody_is_able(plan);
  if (plan.covered.empty() && force == Force::no)
    return refusal("no running machine has the base image " + plan.base_image +
                       (counts.empty() ? "" : "; they run " + list_images(counts)),
                   "check --image, or publish for machines to come with --force");
  return plan;
}

}  // namespace midair::host
