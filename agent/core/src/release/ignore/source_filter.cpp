#include "release/ignore/source_filter.h"

#include <algorithm>
#include <cerrno>
#include <optional>
#include <string_view>
#include <utility>

#include "midair/durable_file.h"
#include "midair/foreign_text.h"

namespace midair {

namespace fs = std::filesystem;

namespace {

constexpr std::uint64_t kMaxIgnoreFileBytes = 1 << 20;

/// What hardly anybody means to publish: history, our settings, secrets.
constexpr std::string_view kDefaults = ".git\nmidair.yaml\n.env*\n.midairignore\n";

}  // namespace

const char* to_string(LeftOutBy by) noexcept {
  switch (by) {
    case LeftOutBy::by_default: return "default";
    case LeftOutBy::ignore_file: return "ignore_file";
    case LeftOutBy::option: return "option";
  }
  return "default";
}

Result<SourceFilter> SourceFilter::make(const PackOptions& options) {
  SourceFilter filter;
  MIDAIR_TRY_ASSIGN(filter.defaults_, IgnoreRules::parse(kDefaults, "the defaults"));
  for (const std::string& pattern : options.exclude)
    MIDAIR_TRY(filter.options_.add(pattern, "--exclude '" + printable(pattern) + "'"));
  for (const std::string& pattern : options.include)
    MIDAIR_TRY(filter.options_.add("!" + pattern, "--include '" + printable(pattern) + "'"));
  return filter;
}

Result<void> SourceFilter::enter(const fs::path& directory, const std::string& prefix) {
  const fs::path path = directory / kIgnoreFileName;
  const std::string subject = "'" + printable(path.string()) + "'";
  Level level{.prefix_size = prefix.size(), .rules = {}};
  const auto text = read_file(path, kMaxIgnoreFileBytes);
  if (text.ok()) {
    MIDAIR_TRY_ASSIGN(level.rules, IgnoreRules::parse(*text, subject));
  } else if (text.error().code != Errc::not_found && text.error().sys != ENOTDIR) {
    return Error{Errc::bad_input, "read", subject, text.error().cause, "make it a text file of patterns, or remove it"};
  }
  levels_.push_back(std::move(level));
  return {};
}

bool SourceFilter::takes(const std::string& name, bool is_directory) {
  if (name == kManifestName) return true;  // it is no file of the release, but says what that is
  LeftOutBy by = LeftOutBy::option;
  std::optional<IgnoreVerdict> verdict = options_.judge(name, is_directory);
  for (auto level = levels_.rbegin(); !verdict && level != levels_.rend(); ++level) {
    by = LeftOutBy::ignore_file;
    verdict = level->rules.judge(std::string_view(name).substr(level->prefix_size), is_directory);
  }
  if (!verdict) {
    by = LeftOutBy::by_default;
    verdict = defaults_.judge(name, is_directory);
  }
  if (verdict != IgnoreVerdict::leave_out) return true;
  left_out_.push_back({is_directory ? name + "/" : name, by});
  return false;
}

std::vector<LeftOut> SourceFilter::take_left_out() {
  std::sort(left_out_.begin(), left_out_.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  return std::exchange(left_out_, {});
}

}  // namespace midair
