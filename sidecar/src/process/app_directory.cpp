#include "process/app_directory.h"

namespace midair::sidecar {
namespace fs = std::filesystem;

namespace {

/// Without a slash at its end; empty for the root.
fs::path bare(const fs::path& directory) {
  fs::path normal = directory.lexically_normal();
  if (normal.has_filename()) return normal;
  return normal.has_relative_path() ? normal.parent_path() : fs::path();
}

std::optional<fs::path> relative_to(const fs::path& directory, const fs::path& path) {
  if (directory.empty()) return std::nullopt;
  const fs::path relative = path.lexically_normal().lexically_relative(directory);
  if (relative.empty() || *relative.begin() == "..") return std::nullopt;
  return relative;
}

}  // namespace

AppDirectory::AppDirectory(const fs::path& directory) : given_(bare(directory)) {
  std::error_code leads_nowhere;
  resolved_ = bare(fs::canonical(directory, leads_nowhere));
}

std::optional<fs::path> AppDirectory::inside(const fs::path& path) const {
  if (!path.is_absolute()) return std::nullopt;
  if (auto relative = relative_to(given_, path)) return relative;
  return relative_to(resolved_, path);
}

}  // namespace midair::sidecar
