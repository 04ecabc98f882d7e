#include "release/outside_links.h"

#include <system_error>

#include "midair/foreign_text.h"

namespace midair::sidecar {
namespace fs = std::filesystem;

namespace {

bool is_inside(const fs::path& path, const fs::path& directory) {
  return (path / "").string().starts_with((directory / "").string());
}

Result<void> check_outside_link(const ManifestLink& link, const fs::path& base_dir) {
  const auto refused = [&link](const std::string& cause, const std::string& hint) {
    return Error{Errc::refused, "use the link", "'" + printable(link.path) + "'",
                 "it leads to '" + printable(link.target) + "', " + cause, hint};
  };
  const fs::path target = fs::path(link.target).lexically_normal();
  std::error_code error;
  const fs::path real_base = fs::weakly_canonical(base_dir, error);
  // What it leads to may be a link itself; pipes and the like have no path of their own.
  const fs::path real_target = fs::weakly_canonical(target, error);
  if (is_inside(target, base_dir) || is_inside(real_target, real_base))
    return refused("which is old code, of the base image", "make it a relative link, and pack what it leads to");
  if (!fs::exists(target, error))
    return refused("which is not on this machine", "add it to the image, or leave the link out");
  return {};
}

}  // namespace

Result<void> check_outside_links(const Manifest& manifest, const fs::path& base_dir) {
  for (const ManifestLink& link : manifest.links)
    if (link.target.starts_with('/')) MIDAIR_TRY(check_outside_link(link, base_dir));
  return {};
}

}  // namespace midair::sidecar
