#include "process/release_command.h"

#include <optional>

#include "process/app_directory.h"

namespace midair::sidecar {
namespace fs = std::filesystem;

namespace {

std::optional<std::string> counterpart(const std::string& path, const AppDirectory& base, const fs::path& release_dir) {
  const auto relative = base.inside(path);
  if (!relative) return std::nullopt;
  const fs::path mapped = *relative == "." ? release_dir : release_dir / *relative;
  std::error_code missing;
  return fs::exists(mapped, missing) ? std::optional(mapped.string()) : std::nullopt;
}

std::optional<std::string> mapped_word(const std::string& word, const AppDirectory& base, const fs::path& release_dir) {
  if (auto mapped = counterpart(word, base, release_dir)) return mapped;
  const auto equals = word.find('=');
  if (equals == std::string::npos) return std::nullopt;
  const auto value = counterpart(word.substr(equals + 1), base, release_dir);
  return value ? std::optional(word.substr(0, equals + 1) + *value) : std::nullopt;
}

}  // namespace

ReleaseCommand release_command(const std::vector<std::string>& command, const fs::path& base_dir,
                               const fs::path& release_dir) {
  const AppDirectory base(base_dir);
  ReleaseCommand result;
  result.words.reserve(command.size());
  for (const std::string& word : command) {
    auto mapped = mapped_word(word, base, release_dir);
    if (mapped) result.mapped.push_back(word);
    result.words.push_back(mapped ? *std::move(mapped) : word);
  }
  return result;
}

}  // namespace midair::sidecar
