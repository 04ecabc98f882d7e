#include <algorithm>

#include "midair/durable_file.h"
#include "midair/foreign_text.h"
#include "midair/json/json.h"
#include "midair/release/layout.h"
#include "release/entry_links.h"
#include "release/entry_names.h"
#include "release/release_modules.h"
#include "release/release_plan.h"
#include "release/required_features.h"
#include "release/stale_pyc.h"

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
Result<void> read_wishes(const fs::path& path, ReleasePlan& plan) {
  MIDAIR_TRY_ASSIGN(const std::string text, as_bad_input(read_file(path, kMaxManifestBytes), path));
  MIDAIR_TRY_ASSIGN(const auto json, as_bad_input(parse_json_object(text, path.string(), kMaxManifestBytes), path));
  for (const auto& [key, value] : *json)
    if (key != "strategy" && key != "app" && key != "version" && key != "format" && key != "files" &&
        key != "modules" && key != "hooks" && key != "directories" && key != "links" && key != "requires")
      return bad_input(path, "unknown field '" + printable(key) + "'; only 'strategy' and 'hooks' count");
  JsonReader reader(*json, path.string());
  Manifest& manifest = plan.manifest;
  manifest.strategy = reader.optional_string("strategy", manifest.strategy);
  plan.strategy_named = json->has("strategy");
  manifest.hooks = reader.optional_string("hooks");
  MIDAIR_TRY(as_bad_input(reader.finish(), path));
  return check_strategy(manifest.strategy, path);
}

Result<void> check_hooks(const ReleasePlan& plan) {
  const std::string& hooks = plan.manifest.hooks;
  const bool is_there =
      std::ranges::any_of(plan.tree.files, [&hooks](const SourceFile& source) { return source.name == hooks; });
  if (hooks.empty() || is_there) return {};
  return bad_input(plan.directory / kManifestName, "its hooks, '" + printable(hooks) + "', are not there");
}

Result<void> check_name(const ReleasePlan& plan, const std::string& name) {
  return as_bad_input(check_entry_name(name), plan.directory / name);
}

/// What can be known before anything is read.
Result<void> check_names(const ReleasePlan& plan) {
  const Manifest& manifest = plan.manifest;
  for (const ManifestFile& file : manifest.files) MIDAIR_TRY(check_name(plan, file.path));
  for (const ManifestDirectory& directory : manifest.directories) MIDAIR_TRY(check_name(plan, directory.path));
  for (const ManifestLink& link : manifest.links) MIDAIR_TRY(check_name(plan, link.path));
  auto together = check_entry_names_together(manifest);
  if (!together.ok()) return bad_input(plan.directory, together.error().subject + ": " + together.error().cause);
  for (const ManifestLink& link : manifest.links)
    if (const std::string problem = find_link_problem(manifest, link); !problem.empty())
      return bad_input(plan.directory / link.path, problem + "; it is a link to '" + printable(link.target) + "'");
  return {};
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

Result<void> hash_files(ReleasePlan& plan, const PackOptions& options, const std::stop_token& stop) {
  StalePyc stale;
  for (std::size_t i = 0; i < plan.tree.files.size(); ++i) {
    std::string beginning;
    const auto keep_beginning = [&beginning](std::string_view piece) {
      if (beginning.empty()) beginning = piece.substr(0, StalePyc::kHeaderBytes);
      return Result<void>();
    };
    MIDAIR_TRY_ASSIGN(SourceContent content, read_source_file(plan.tree.files[i], stop, keep_beginning));
    ManifestFile& file = plan.manifest.files[i];
    file.size = content.size;
    file.digest = std::move(content.digest);
    file.executable = content.executable;
    file.access = content.access;
    if (options.keep_mtimes) file.mtime = content.mtime;
    stale.look_at(file.path, beginning);
  }
  if (std::string notice = stale.notice(plan.manifest); !notice.empty()) plan.notices.push_back(std::move(notice));
  return {};
}

/// Reads what was written by hand, which is no file of the release.
Result<void> take_wishes(ReleasePlan& plan, const PackOptions& options) {
  const auto manifest = std::ranges::find(plan.tree.files, kManifestName, &SourceFile::name);
  if (manifest != plan.tree.files.end()) {
    MIDAIR_TRY(read_wishes(manifest->path, plan));
    plan.tree.files.erase(manifest);
    MIDAIR_TRY(check_hooks(plan));
  }
  if (options.strategy) {
    MIDAIR_TRY(check_strategy(*options.strategy, "the option --strategy"));
    plan.manifest.strategy = *options.strategy;
    plan.strategy_named = true;
  }
  return {};
}

/// The names and links of the tree.
Result<void> fill_in(ReleasePlan& plan) {
  if (plan.tree.files.empty()) return bad_input(plan.directory, "it has no files");
  for (const SourceFile& source : plan.tree.files) plan.manifest.files.push_back({.path = source.name, .digest = {}});
  plan.manifest.directories = plan.tree.directories;
  plan.manifest.links = plan.tree.links;
  if (plan.manifest.entries() > ExtractLimits().max_entries)
    return bad_input(plan.directory, "it has more than " + std::to_string(ExtractLimits().max_entries) +
                                         " files, empty directories and links");
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
  MIDAIR_TRY_ASSIGN(SourceListing listing, list_source_tree(directory, options));
  plan.tree = std::move(listing.tree);
  plan.left_out = std::move(listing.left_out);
  if (std::error_code error; fs::exists(directory / kDockerIgnoreFileName, error))
    plan.notices.push_back("'.dockerignore' is not used here; what is to stay out of the release goes into '" +
                           std::string(kIgnoreFileName) + "'");
  MIDAIR_TRY(take_wishes(plan, options));
  MIDAIR_TRY(fill_in(plan));
  MIDAIR_TRY(check_names(plan));
  MIDAIR_TRY(hash_files(plan, options, stop));
  MIDAIR_TRY(check_limits(plan));
  plan.manifest.required_features = features_needed_by(plan.manifest);
  if (plan.manifest.strategy == kInPlace) {
    MIDAIR_TRY_ASSIGN(plan.manifest.modules, find_modules(plan, stop));
  } else if (std::string notice = notice_of_unused_modules(plan); !notice.empty()) {
    plan.notices.push_back(std::move(notice));
  }
  return plan;
}

}  // namespace midair
