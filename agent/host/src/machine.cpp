#include "midair/host/machine.h"

#include <algorithm>
#include <array>

namespace midair::host {

namespace {

/// Where FLY_IMAGE_REF gets its text from: the configured image, or where there is none the one that was resolved.
std::string image_of(const JsonText& config, const JsonText& ref) {
  if (auto image = config.at("image").string(); !image.empty()) return image;
  const std::string repository = ref.at("repository").string();
  if (repository.empty()) return {};
  const std::string tag = ref.at("tag").string();
  return ref.at("registry").string() + "/" + repository + (tag.empty() ? "" : ":" + tag);
}

Metadata metadata_of(const JsonText& config) {
  Metadata metadata;
  for (const auto& [key, value] : config.at("metadata").members()) metadata[key] = value.string();
  return metadata;
}

constexpr const char* kUnknownState = "unknown";

/// Checks that `fly deploy` makes for itself are none of the app's.
bool is_platform_check(const std::string& name) { return name.starts_with("bg_deployments_compat"); }

void count_checks(const JsonText& checks, Machine& machine) {
  for (const auto& check : checks.elements()) {
    if (is_platform_check(check.at("name").string())) continue;
    ++machine.checks;
    if (check.at("status").string() == "passing") ++machine.checks_passing;
  }
}

/// All that is readable.
Machine read(const JsonText& json) {
  Machine machine;
  machine.json = json;
  JsonText config;
  JsonText incomplete_config;
  JsonText image_ref;
  for (const auto& [key, value] : json.members()) {
    if (key == "id") machine.id = value.string();
    if (key == "name") machine.name = value.string();
    if (key == "state") machine.state = value.string();
    if (key == "region") machine.region = value.string();
    if (key == "instance_id") machine.instance_id = value.string();
    if (key == "private_ip") machine.private_ip = value.string();
    if (key == "created_at") machine.created_at = value.string();
    if (key == "updated_at") machine.updated_at = value.string();
    if (key == "host_status") machine.host_status = value.string();
    if (key == "cordoned") machine.cordoned = value.is_true();
    if (key == "checks") count_checks(value, machine);
    if (key == "config") config = value;
    if (key == "incomplete_config") incomplete_config = value;
    if (key == "image_ref") image_ref = value;
  }
  if (config.empty()) config = incomplete_config;  // good enough to look at
  machine.image = image_of(config, image_ref);
  machine.metadata = metadata_of(config);
  return machine;
}

Error not_a_machine(const char* cause) { return {Errc::corrupt, "understand", "a machine of the Fly API", cause}; }

}  // namespace

std::string Machine::process_group() const {
  const auto group = metadata.find("fly_process_group");
  return group == metadata.end() ? std::string() : group->second;
}

Result<Machine> Machine::from_json(const JsonText& json) {
  Machine machine = read(json);
  if (machine.id.empty() || machine.state.empty()) return not_a_machine("it has no id or no state");
  return machine;
}

Result<Machine> Machine::from_list(const JsonText& json) {
  Machine machine = read(json);
  if (machine.id.empty()) return not_a_machine("it has no id");
  if (machine.state.empty()) machine.state = kUnknownState;
  return machine;
}

bool is_settled(const std::string& state) {
  static constexpr std::array kSettled{"created", "started",   "stopped",  "suspended",
                                       "failed",  "destroyed", "replaced", "migrated"};
  return std::find(kSettled.begin(), kSettled.end(), state) != kSettled.end();
}

}  // namespace midair::host
