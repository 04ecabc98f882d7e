#include <algorithm>

#include "midair/durable_file.h"
#include "midair/foreign_text.h"
#include "midair/json/json.h"
#include "midair/release/layout.h"
#include "release/build_place.h"
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

Error bad_input(const fs::path& path, const std::string& cause, const std::string& hint = {}) {
  return {Errc::bad_input, "pack", "'" + printable(path.string()) + "'", cause, hint};
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
        key != "modules" && key != "hooks" && key != "directories" && key != "links" && key != "requires" &&
        key != "writable" && key != "writable_fresh")
      return bad_input(path, "unknown field '" + printable(key) +
                                 "'; only 'strategy', 'hooks', 'writable' and 'writable_fresh' count");
  JsonReader reader(*json, path.string());
  Manifest& manifest = plan.manifest;
  manifest.strategy = reader.optional_string("strategy", manifest.strategy);
  plan.strategy_named = json->has("strategy");
  manifest.hooks = reader.optional_string("hooks");
  const auto kept = reader.optional_strings("writable"), fresh = reader.optional_strings("writable_fresh");
  MIDAIR_TRY(as_bad_input(reader.finish(), path));
  auto writable = WritablePlaces::make(kept, fresh);
  if (!writable) return bad_input(path, writable.error().message());
  manifest.writable = *std::move(writable);
  return check_strategy(manifest.strategy, path);
}

Result<void> check_hooks(const ReleasePlan& plan) {
  const std::string& hooks = plan.manifest.hooks;
  const bool is_there =
      std::ranges::any_of(plan.tree.files, [&hooks](const SourceFile& source) { return source.name == hooks; });
  if (hooks.empty() || is_there) return {};
  return bad_input(plan.directory / kManifestName, "its hooks, '" + printable(hooks) + "', are not there");
}

/// What is wrong with names and links, which can be known before anything is read.
void check_names(const ReleasePlan& plan, std::vector<Error>& problems) {
  const Manifest& manifest = plan.manifest;
  const auto check = [&](const auto& entries) {
    for (const auto& entry : entries)
      if (const auto checked = check_entry_name(entry.path); !checked)
        problems.push_back(bad_input(plan.directory / entry.path, checked.error().cause,
                                     "rename it, or leave it out (.midairignore, --exclude)"));
  };
  check(manifest.files);
  check(manifest.directories);
  check(manifest.links);
  if (const auto together = check_entry_names_together(manifest); !together)
    problems.push_back(bad_input(plan.directory, together.error().subject + ": " + together.error().cause));
  for (const ManifestLink& link : manifest.links)
    if (const std::string problem = find_link_problem(manifest, link); !problem.empty())
      problems.push_back(
          bad_input(plan.directory / link.path, problem + "; it is a link to '" + printable(link.target) + "'",
                    "let it lead to something in the release, or leave it out (.midairignore, --exclude)"));
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

/// What can't be read is told of every file.
Result<void> hash_files(ReleasePlan& plan, const std::stop_token& stop, std::vector<Error>& problems) {
  StalePyc stale;
  BuildPlace build_place(plan.directory);
  for (std::size_t i = 0; i < plan.tree.files.size(); ++i) {
    std::string beginning;
    const auto keep_beginning = [&beginning](std::string_view piece) {
      if (beginning.empty()) beginning = piece.substr(0, BuildPlace::kBeginningBytes);
      return Result<void>();
    };
    auto content = read_source_file(plan.tree.files[i], stop, keep_beginning);
    if (!content && content.error().code == Errc::bad_input) {
      problems.push_back(std::move(content).error());
      continue;
    }
    if (!content) return std::move(content).error();
    ManifestFile& file = plan.manifest.files[i];
    file.size = content->size;
    file.digest = std::move(content->digest);
    file.executable = content->executable;
    file.access = content->access;
    if (plan.options.keep_mtimes) file.mtime = content->mtime;
    stale.look_at(file.path, std::string_view(beginning).substr(0, StalePyc::kHeaderBytes));
    build_place.look_at(file.path, beginning);
  }
  for (std::string notice : {stale.notice(plan.manifest), build_place.notice()})
    if (!notice.empty()) plan.notices.push_back(std::move(notice));
  return {};
}

/// Reads what was written by hand, which is no file of the release.
Result<void> take_wishes(ReleasePlan& plan) {
  const auto manifest = std::ranges::find(plan.tree.files, kManifestName, &SourceFile::name);
  if (manifest != plan.tree.files.end()) {
    const fs::path path = manifest->path;
    plan.tree.files.erase(manifest);
    MIDAIR_TRY(read_wishes(path, plan));
    MIDAIR_TRY(check_hooks(plan));
  }
  if (const auto& strategy = plan.options.strategy) {
    MIDAIR_TRY(check_strategy(*strategy, "the option --strategy"));
    plan.manifest.strategy = *strategy;
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
  std::vector<Error> problems = std::move(listing.problems);
  if (auto taken = take_wishes(plan); !taken) problems.push_back(std::move(taken).error());
  if (auto filled = fill_in(plan); !filled && problems.empty()) problems.push_back(std::move(filled).error());
  check_names(plan, problems);
  MIDAIR_TRY(hash_files(plan, stop, problems));
  if (!problems.empty()) {
    std::ranges::stable_sort(problems, {}, &Error::subject);
    return first_with_others(std::move(problems));
  }
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
