#include "earlier_release.h"

#include <algorithm>
#include <optional>
#include <vector>

namespace midair::host::hot {

namespace {

/// What was published with all that a machine needs, newest first. FlyDeploy's releases have no digest.
std::vector<HotUpgrade> releases_of(const PublishedState& state) {
  std::vector<HotUpgrade> releases;
  for (const Pointer& pointer : state.publications())
    if (pointer.hot_upgrade() && !pointer.hot_upgrade()->digest.empty()) releases.push_back(*pointer.hot_upgrade());
  return releases;
}

/// "v3, v2": each version once.
std::string versions_of(const std::vector<HotUpgrade>& releases) {
  std::vector<std::string> versions;
  for (const HotUpgrade& release : releases)
    if (std::ranges::find(versions, release.version) == versions.end()) versions.push_back(release.version);
  std::string text;
  for (const std::string& version : versions) text += (text.empty() ? "" : ", ") + version;
  return text;
}

Error cannot_go_back(std::string subject, std::string cause, std::string hint) {
  return {Errc::not_found, "go back to", std::move(subject), std::move(cause), std::move(hint)};
}

}  // namespace

Result<HotUpgrade> choose_earlier_release(const PublishedState& state, const std::string& version) {
  const std::vector<HotUpgrade> releases = releases_of(state);
  const std::optional<Pointer> current = state.current ? std::optional(state.current->pointer) : std::nullopt;
  const std::string now = current && current->hot_upgrade() ? current->hot_upgrade()->digest : "";
  if (version.empty() && current && current->last_good() && current->last_good()->digest != now)
    return *current->last_good();
  const auto found = std::ranges::find_if(releases, [&](const HotUpgrade& release) {
    return version.empty() ? release.digest != now : release.version == version;
  });
  if (found != releases.end()) return *found;
  if (releases.empty())
    return cannot_go_back(version.empty() ? "an earlier release" : version, "nothing was published yet",
                          "publish a release with midair hot");
  if (version.empty())
    return cannot_go_back("an earlier release", versions_of(releases) + " is all that was published lately",
                          "to leave hot upgrades behind, deploy the machines' image anew with fly deploy");
  return cannot_go_back(version, "no recent publication has that version", "choose one of " + versions_of(releases));
}

Result<void> check_tarball_is_there(ObjectStore& store, const std::string& key, const HotUpgrade& release,
                                    const CallLimits& limits) {
  const std::string hint = "ship its files again: midair hot --from DIR";
  const auto object = store.head(key, limits);
  if (!object.ok() && object.error().code == Errc::not_found)
    return cannot_go_back(release.version, "its tarball, " + key + ", is gone from the store", hint);
  if (!object.ok()) return object.error();
  if (object->size == release.size) return {};
  return Error{
      Errc::corrupt, "go back to", release.version,
      key + " has " + std::to_string(object->size) + " bytes, and " + std::to_string(release.size) + " were published",
      hint};
}

}  // namespace midair::host::hot
