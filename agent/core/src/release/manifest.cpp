#include "midair/release/manifest.h"

#include <Poco/JSON/ParseHandler.h>

#include <algorithm>
#include <optional>

#include "midair/digest.h"
#include "midair/foreign_text.h"
#include "midair/json/json.h"
#include "midair/json/strict_json.h"
#include "midair/release/features.h"
#include "midair/release/layout.h"
#include "release/entry_links.h"
#include "release/entry_names.h"
#include "release/manifest_modules.h"

namespace midair {

namespace {

using Poco::JSON::Array;
using Poco::JSON::Object;

constexpr std::uint64_t kFormat = 2;

/// As the wire has it; all is left out.
constexpr std::string_view kGroup = "group";
constexpr std::string_view kOwner = "owner";

/// Keeps the elements of the lists of entries out of the tree of Poco's objects and takes them one by one: as objects,
/// a hundred thousand of them would take hundreds of megabytes.
class ManifestHandler final : public ForwardingHandler {
 public:
  explicit ManifestHandler(std::string subject) : ForwardingHandler(tree_), subject_(std::move(subject)) {}

  void startObject() override {
    if (++depth_ == kElementDepth && take_) {
      element_.emplace();
      target_ = &*element_;
    }
    ForwardingHandler::startObject();
  }
  void endObject() override {
    ForwardingHandler::endObject();
    if (depth_-- == kElementDepth && element_) take_element();
  }
  void startArray() override {
    if (++depth_ == kElementDepth - 1) take_ = taker_of(key_);
    ForwardingHandler::startArray();
  }
  void endArray() override {
    ForwardingHandler::endArray();
    if (depth_-- == kElementDepth - 1) take_ = nullptr;
  }
  void key(const std::string& name) override {
    if (depth_ == 1) key_ = name;
    ForwardingHandler::key(name);
  }

  /// Everything but the objects in those lists.
  [[nodiscard]] Poco::Dynamic::Var rest() const { return tree_.asVar(); }
  /// The lists, and nothing else.
  [[nodiscard]] Manifest& lists() { return lists_; }
  /// The first problem in them.
  [[nodiscard]] const Result<void>& problem() const { return problem_; }

 private:
  static constexpr int kElementDepth = 3;  ///< {"files":[{
  using Taker = void (ManifestHandler::*)(const Object&);

  static Taker taker_of(const std::string& key) {
    if (key == "files") return &ManifestHandler::take_file;
    if (key == "directories") return &ManifestHandler::take_directory;
    return key == "links" ? &ManifestHandler::take_link : nullptr;
  }

  void take_element() {
    (this->*take_)(*element_->asVar().extract<Object::Ptr>());
    element_.reset();
    target_ = &tree_;
  }

  void take_file(const Object& json) {
    JsonReader reader(json, "file " + std::to_string(lists_.files.size() + 1) + " of " + subject_);
    ManifestFile file;
    file.path = reader.string("path");
    file.size = reader.unsigned_integer("size");
    file.digest = reader.string("sha256");
    file.executable = reader.optional_boolean("executable", false);
    file.access = read_access(reader);
    file.mtime = reader.optional_unsigned("mtime");
    if (!is_sha256_hex(file.digest)) reader.complain("field 'sha256' is not 64 lower-case hex digits");
    judge(reader, file.path);
    lists_.files.push_back(std::move(file));
  }

  void take_directory(const Object& json) {
    JsonReader reader(json, "directory " + std::to_string(lists_.directories.size() + 1) + " of " + subject_);
    ManifestDirectory directory{reader.string("path"), read_access(reader)};
    judge(reader, directory.path);
    lists_.directories.push_back(std::move(directory));
  }

  void take_link(const Object& json) {
    JsonReader reader(json, "link " + std::to_string(lists_.links.size() + 1) + " of " + subject_);
    ManifestLink link{reader.string("path"), reader.string("target")};
    judge(reader, link.path);
    lists_.links.push_back(std::move(link));
  }

  static Access read_access(JsonReader& reader) {
    const std::string name = reader.optional_string("access");
    if (name == kGroup) return Access::group;
    if (name == kOwner) return Access::owner;
    if (!name.empty()) reader.complain("field 'access' is neither 'group' nor 'owner'");
    return Access::all;
  }

  void judge(const JsonReader& reader, const std::string& path) {
    if (problem_.ok()) problem_ = reader.finish();
    if (problem_.ok()) problem_ = check_entry_name(path);
  }

  const std::string subject_;
  Poco::JSON::ParseHandler tree_;
  std::optional<Poco::JSON::ParseHandler> element_;
  int depth_ = 0;
  Taker take_ = nullptr;  ///< of the list that is being read
  std::string key_;
  Manifest lists_;
  Result<void> problem_;
};

Error refused(const std::string& subject, const std::string& cause) {
  return {Errc::refused, "accept", subject, cause};
}

Error too_new(const std::string& subject, const std::string& cause) {
  Error error = refused(subject, cause);
  error.hint = "bring the sidecar in the base image up to date and deploy that first";
  return error;
}

/// Without a word on its syntax: a newer format may look like anything.
Result<void> check_format(JsonReader& reader, std::uint64_t format, const std::string& subject) {
  if (format == 0) reader.complain("field 'format' is zero");
  if (format <= kFormat) return {};
  return too_new(subject, "its format " + std::to_string(format) + " is newer than the " + std::to_string(kFormat) +
                              " that is understood here");
}

Result<void> check_features(const Manifest& manifest, std::uint64_t format, const std::string& subject) {
  const auto missing = missing_features(manifest.required_features, known_features());
  if (!missing.empty()) return too_new(subject, "it requires " + list_features(missing) + ", which is not known here");
  if (format == 1 && !manifest.required_features.empty())
    return refused(subject, "it requires features, and its format is 1");
  return {};
}

/// What it has and does not require: whoever knows less would lose it without a word.
Result<void> check_required(const Manifest& manifest, const std::string& subject) {
  const auto restricted = [](const auto& entry) { return entry.access != Access::all; };
  const std::vector<std::pair<std::string_view, bool>> used{
      {kFeatureDirectories, !manifest.directories.empty()},
      {kFeatureLinks, !manifest.links.empty()},
      {kFeatureModes, std::ranges::any_of(manifest.files, restricted)},
      {kFeatureMtimes, std::ranges::any_of(manifest.files, [](const auto& file) { return file.mtime.has_value(); })}};
  for (const auto& [feature, is_used] : used)
    if (is_used && std::ranges::find(manifest.required_features, feature) == manifest.required_features.end())
      return refused(subject, "it has what requires '" + std::string(feature) + "', and does not say so");
  return {};
}

template <class Entry>
Result<void> check_order(const std::vector<Entry>& entries, const std::string& subject) {
  const auto unordered = std::ranges::is_sorted_until(entries, {}, &Entry::path);
  if (unordered == entries.end()) return {};
  return Error{Errc::corrupt, "read", subject,
               "'" + printable(unordered->path) + "' is not in byte order among its like"};
}

Result<void> check_hooks(const Manifest& manifest, const std::string& subject) {
  const bool is_file = std::any_of(manifest.files.begin(), manifest.files.end(),
                                   [&manifest](const ManifestFile& file) { return file.path == manifest.hooks; });
  if (manifest.hooks.empty() || is_file) return {};
  return refused(subject, "its hooks, '" + printable(manifest.hooks) + "', are not among its files");
}

Result<void> check(const Manifest& manifest, const std::string& subject) {
  if (auto app = check_app_name(manifest.app); !app) return refused(subject, app.error().message());
  if (auto version = check_version(manifest.version); !version) return refused(subject, version.error().message());
  if (std::find(kStrategies.begin(), kStrategies.end(), manifest.strategy) == kStrategies.end())
    return refused(subject, "its strategy '" + printable(manifest.strategy) + "' is not known here");
  if (manifest.files.empty()) return refused(subject, "it lists no files");
  MIDAIR_TRY(check_required(manifest, subject));
  MIDAIR_TRY(check_entry_names_together(manifest));
  MIDAIR_TRY(check_order(manifest.files, subject));
  MIDAIR_TRY(check_order(manifest.directories, subject));
  MIDAIR_TRY(check_order(manifest.links, subject));
  MIDAIR_TRY(check_links(manifest));
  MIDAIR_TRY(check_hooks(manifest, subject));
  return check_modules(manifest, subject);
}

}  // namespace

Result<Manifest> Manifest::parse(std::string_view text, const std::string& subject) {
  ManifestHandler handler(subject);
  MIDAIR_TRY(parse_json_strictly(text, subject, kMaxManifestBytes, handler));
  const Poco::Dynamic::Var rest = handler.rest();
  if (rest.type() != typeid(Object::Ptr)) return Error{Errc::corrupt, "read", subject, "it is not a JSON object"};

  const Object::Ptr& json = rest.extract<Object::Ptr>();
  JsonReader reader(*json, subject);
  Manifest manifest = std::move(handler.lists());
  const std::uint64_t format = reader.unsigned_integer("format");
  MIDAIR_TRY(check_format(reader, format, subject));
  manifest.required_features = reader.optional_strings("requires");
  MIDAIR_TRY(check_features(manifest, format, subject));
  manifest.app = reader.string("app");
  manifest.version = reader.string("version");
  manifest.strategy = reader.optional_string("strategy", manifest.strategy);
  manifest.hooks = reader.optional_string("hooks");
  manifest.modules = read_modules(reader, subject);
  const auto kept = reader.optional_strings("writable"), fresh = reader.optional_strings("writable_fresh");
  if (!reader.optional_array("files")) reader.complain("field 'files' is missing");
  for (const char* key : {"files", "directories", "links"})
    if (const auto strays = reader.optional_array(key); strays && strays->size() > 0)
      reader.complain("field '" + std::string(key) + "' has an element that is not an object");
  MIDAIR_TRY(reader.finish());
  MIDAIR_TRY(handler.problem());
  auto writable = WritablePlaces::make(kept, fresh);
  if (!writable) return refused(subject, writable.error().message());
  manifest.writable = *std::move(writable);
  MIDAIR_TRY(check(manifest, subject));
  return manifest;
}

namespace {

void set_access(Object& json, Access access) {
  if (access != Access::all) json.set("access", std::string(access == Access::group ? kGroup : kOwner));
}

Array::Ptr to_json(const std::vector<ManifestFile>& files) {
  Array::Ptr list = new Array;
  for (const ManifestFile& file : files) {
    Object::Ptr entry = new Object;
    entry->set("path", file.path);
    entry->set("size", static_cast<Poco::UInt64>(file.size));
    entry->set("sha256", file.digest);
    entry->set("executable", file.executable);
    set_access(*entry, file.access);
    if (file.mtime) entry->set("mtime", static_cast<Poco::UInt64>(*file.mtime));
    list->add(entry);
  }
  return list;
}

Array::Ptr to_json(const std::vector<ManifestDirectory>& directories) {
  Array::Ptr list = new Array;
  for (const ManifestDirectory& directory : directories) {
    Object::Ptr entry = new Object;
    entry->set("path", directory.path);
    set_access(*entry, directory.access);
    list->add(entry);
  }
  return list;
}

Array::Ptr to_json(const std::vector<ManifestLink>& links) {
  Array::Ptr list = new Array;
  for (const ManifestLink& link : links) {
    Object::Ptr entry = new Object;
    entry->set("path", link.path);
    entry->set("target", link.target);
    list->add(entry);
  }
  return list;
}

Array::Ptr to_json(const std::vector<std::string>& texts) {
  Array::Ptr list = new Array;
  for (const std::string& text : texts) list->add(text);
  return list;
}

}  // namespace

std::string Manifest::to_json() const {
  Object json;
  json.set("format", static_cast<Poco::UInt64>(format()));
  json.set("app", app);
  json.set("version", version);
  json.set("strategy", strategy);
  json.set("files", midair::to_json(files));
  if (!directories.empty()) json.set("directories", midair::to_json(directories));
  if (!links.empty()) json.set("links", midair::to_json(links));
  if (!required_features.empty()) json.set("requires", midair::to_json(required_features));
  if (!hooks.empty()) json.set("hooks", hooks);
  if (!modules.empty()) json.set("modules", modules_to_json(modules));
  if (!writable.kept.empty()) json.set("writable", midair::to_json(writable.kept));
  if (!writable.fresh.empty()) json.set("writable_fresh", midair::to_json(writable.fresh));
  return to_canonical_json(json);
}

}  // namespace midair
