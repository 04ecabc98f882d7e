#include <algorithm>

#include "midair/durable_file.h"
#include "midair/foreign_text.h"
#include "midair/json/json.h"
#include "midair/release/layout.h"
#include "release/entry_names.h"
#include "release/release_modules.h"
#include "release/release_plan.h"
#include "release/ustar.h"

namespace midair {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view kDockerIgnoreFileName = ".dockerignore";

Error bad_input(const fs::path& path, const std::string& cause) {
  return {Errc::bad_input, "pack", "'" + printable(path.string()) + "'", cause};
}

/// Whatever is wrong with a directory is the operator's to mend.
template <class T>
Result<T> as_bad_input(Result<T> result, const fs::path& path) {
  if (result.ok()) return result;
  return bad_input(path, result.error().cause);
}

Result<void> check_strategy(const std::string& strategy, const fs::path& where) {
  if (std::find(kStrategies.begin(), kStrategies.end(), strategy) != kStrategies.end()) return {};
  return bad_input(where,
                   "unknown strategy '" + printable(strategy) + "'; there are handover, in-place, adapter, static");
}

/// What a hand-written manifest asks for. A full one, from a release that was unpacked, will do as well.
Result<void> read_wishes(const fs::path& path, Manifest& manifest) {
  MIDAIR_TRY_ASSIGN(const std::string text, as_bad_input(read_file(path, kMaxManifestBytes), path));
  MIDAIR_TRY_ASSIGN(const auto json, as_bad_input(parse_json_object(text, path.string(), kMaxManifestBytes), path));
  for (const auto& [key, value] : *json)
    if (key != "strategy" && key != "app" && key != "version" && key != "format" && key != "files" &&
        key != "modules" && key != "hooks")
      return bad_input(path, "unknown field '" + printable(key) + "'; only 'strategy' and 'hooks' count");
  JsonReader reader(*json, path.string());
  manifest.strategy = reader.optional_string("strategy", manifest.strategy);
  manifest.hooks = reader.optional_string("hooks");
  MIDAIR_TRY(as_bad_input(reader.finish(), path));
  return check_strategy(manifest.strategy, path);
}

Result<void> check_hooks(const ReleasePlan& plan) {
  const std::string& hooks = plan.manifest.hooks;
  const bool is_there = std::any_of(plan.sources.begin(), plan.sources.end(),
                                    [&hooks](const SourceFile& source) { return source.name == hooks; });
  if (hooks.empty() || is_there) return {};
  return bad_input(plan.directory / kManifestName, "its hooks, '" + printable(hooks) + "', are not there");
}

/// What can be known before anything is read.
Result<void> check_names(const ReleasePlan& plan) {
  for (const ManifestFile& file : plan.manifest.files) {
    MIDAIR_TRY(as_bad_input(check_entry_name(file.path), plan.directory / file.path));
    MIDAIR_TRY(as_bad_input(encode_ustar({.name = file.path}), plan.directory / file.path));
  }
  auto together = check_entry_names_together(plan.manifest.files);
  if (together.ok()) return together;
  return bad_input(plan.directory, together.error().subject + ": " + together.error().cause);
}

/// What every sidecar would refuse is better refused here.
Result<void> check_limits(const ReleasePlan& plan) {
  const ExtractLimits limits;
  std::uint64_t total = 0;
  for (const ManifestFile& file : plan.manifest.files) {
    total += file.size;  // below twice 2^63
    if (total > limits.max_unpacked_bytes)
      return bad_input(plan.directory, "it holds more than the " + std::to_string(limits.max_unpacked_bytes) +
                                           " bytes that a release may have");
  }
  return {};
}

Result<void> hash_files(ReleasePlan& plan, const std::stop_token& stop) {
  for (std::size_t i = 0; i < plan.sources.size(); ++i) {
    MIDAIR_TRY_ASSIGN(SourceContent content,
                      read_source_file(plan.sources[i], stop, [](std::string_view) { return Result<void>(); }));
    ManifestFile& file = plan.manifest.files[i];
    file.size = content.size;
    file.digest = std::move(content.digest);
    file.executable = content.executable;
  }
  return {};
}

}  // namespace

Result<ReleasePlan> plan_release(const fs::path& directory, const std::string& app, const std::string& version,
                                 const std::stop_token& stop, const PackOptions& options) {
  MIDAIR_TRY(check_app_name(app));
  MIDAIR_TRY(check_version(version));
  ReleasePlan plan;
  plan.directory = directory;
  plan.options = options;
  plan.manifest.app = app;
  plan.manifest.version = version;
  MIDAIR_TRY_ASSIGN(SourceListing listing, list_source_files(directory, options));
  plan.sources = std::move(listing.files);
  plan.left_out = std::move(listing.left_out);
  if (std::error_code error; fs::exists(directory / kDockerIgnoreFileName, error))
    plan.notices.push_back("'.dockerignore' is not used here; what is to stay out of the release goes into '" +
                           std::string(kIgnoreFileName) + "'");

  const auto manifest = std::find_if(plan.sources.begin(), plan.sources.end(),
                                     [](const SourceFile& source) { return source.name == kManifestName; });
  if (manifest != plan.sources.end()) {
    MIDAIR_TRY(read_wishes(manifest->path, plan.manifest));
    plan.sources.erase(manifest);
    MIDAIR_TRY(check_hooks(plan));
  }
  if (options.strategy) {
    MIDAIR_TRY(check_strategy(*options.strategy, "the option --strategy"));
    plan.manifest.strategy = *options.strategy;
  }
  if (plan.sources.empty()) return bad_input(directory, "it has no files");
  if (plan.sources.size() > ExtractLimits().max_entries)
    return bad_input(directory, "it has more than " + std::to_string(ExtractLimits().max_entries) + " files");

  for (const SourceFile& source : plan.sources) plan.manifest.files.push_back({.path = source.name, .digest = {}});
  MIDAIR_TRY(check_names(plan));
  MIDAIR_TRY(hash_files(plan, stop));
  MIDAIR_TRY(check_limits(plan));
  if (plan.manifest.strategy == kInPlace) {
    MIDAIR_TRY_ASSIGN(plan.manifest.modules, find_modules(plan, stop));
  }
  return plan;
}

}  // namespace midair
