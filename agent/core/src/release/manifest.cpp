#include "midair/release/manifest.h"

#include <Poco/JSON/ParseHandler.h>

#include <algorithm>
#include <optional>

#include "midair/digest.h"
#include "midair/foreign_text.h"
#include "midair/json/json.h"
#include "midair/json/strict_json.h"
#include "midair/release/layout.h"
#include "release/entry_names.h"
#include "release/manifest_modules.h"

namespace midair {

namespace {

using Poco::JSON::Object;

constexpr std::uint64_t kFormat = 1;

/// Keeps the elements of "files" out of the tree of Poco's objects and hands them out one by one: as objects, a
/// hundred thousand of them would take hundreds of megabytes.
class ManifestHandler final : public ForwardingHandler {
 public:
  explicit ManifestHandler(std::string subject) : ForwardingHandler(tree_), subject_(std::move(subject)) {}

  void startObject() override {
    if (++depth_ == kElementDepth && in_files_) {
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
    if (++depth_ == kElementDepth - 1 && key_ == "files") in_files_ = true;
    ForwardingHandler::startArray();
  }
  void endArray() override {
    ForwardingHandler::endArray();
    if (depth_-- == kElementDepth - 1) in_files_ = false;
  }
  void key(const std::string& name) override {
    if (depth_ == 1) key_ = name;
    ForwardingHandler::key(name);
  }

  /// Everything but the objects in "files".
  [[nodiscard]] Poco::Dynamic::Var rest() const { return tree_.asVar(); }
  [[nodiscard]] std::vector<ManifestFile>& files() { return files_; }
  /// The first problem in "files".
  [[nodiscard]] const Result<void>& problem() const { return problem_; }

 private:
  static constexpr int kElementDepth = 3;  ///< {"files":[{

  void take_element() {
    JsonReader reader(*element_->asVar().extract<Object::Ptr>(),
                      "file " + std::to_string(files_.size() + 1) + " of " + subject_);
    ManifestFile file;
    file.path = reader.string("path");
    file.size = reader.unsigned_integer("size");
    file.digest = reader.string("sha256");
    file.executable = reader.optional_boolean("executable", false);
    if (!is_sha256_hex(file.digest)) reader.complain("field 'sha256' is not 64 lower-case hex digits");
    if (problem_.ok()) problem_ = reader.finish();
    if (problem_.ok()) problem_ = check_entry_name(file.path);
    files_.push_back(std::move(file));
    element_.reset();
    target_ = &tree_;
  }

  const std::string subject_;
  Poco::JSON::ParseHandler tree_;
  std::optional<Poco::JSON::ParseHandler> element_;
  int depth_ = 0;
  bool in_files_ = false;
  std::string key_;
  std::vector<ManifestFile> files_;
  Result<void> problem_;
};

Error refused(const std::string& subject, const std::string& cause) {
  return {Errc::refused, "accept", subject, cause};
}

/// Without a word on its syntax: a newer format may look like anything.
Result<void> check_format(JsonReader& reader, std::uint64_t format, const std::string& subject) {
  if (format <= kFormat) {
    if (format == 0) reader.complain("field 'format' is zero");
    return {};
  }
  Error error = refused(subject, "its format " + std::to_string(format) + " is newer than the " +
                                     std::to_string(kFormat) + " that is understood here");
  error.hint = "bring the sidecar in the base image up to date and deploy that first";
  return error;
}

Result<void> check_order(const std::vector<ManifestFile>& files, const std::string& subject) {
  const auto unordered = std::is_sorted_until(
      files.begin(), files.end(), [](const ManifestFile& a, const ManifestFile& b) { return a.path < b.path; });
  if (unordered == files.end()) return {};
  return Error{Errc::corrupt, "read", subject, "'" + unordered->path + "' is not in byte order among its files"};
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
  MIDAIR_TRY(check_entry_names_together(manifest.files));
  MIDAIR_TRY(check_order(manifest.files, subject));
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
  Manifest manifest;
  manifest.format = reader.unsigned_integer("format");
  MIDAIR_TRY(check_format(reader, manifest.format, subject));
  manifest.app = reader.string("app");
  manifest.version = reader.string("version");
  manifest.strategy = reader.optional_string("strategy", manifest.strategy);
  manifest.hooks = reader.optional_string("hooks");
  manifest.modules = read_modules(reader, subject);
  const auto strays = reader.optional_array("files");
  if (!strays) reader.complain("field 'files' is missing");
  if (strays && strays->size() > 0) reader.complain("field 'files' has an element that is not an object");
  MIDAIR_TRY(reader.finish());
  MIDAIR_TRY(handler.problem());
  manifest.files = std::move(handler.files());
  MIDAIR_TRY(check(manifest, subject));
  return manifest;
}

std::string Manifest::to_json() const {
  Poco::JSON::Array::Ptr list = new Poco::JSON::Array;
  for (const ManifestFile& file : files) {
    Object::Ptr entry = new Object;
    entry->set("path", file.path);
    entry->set("size", static_cast<Poco::UInt64>(file.size));
    entry->set("sha256", file.digest);
    entry->set("executable", file.executable);
    list->add(entry);
  }
  Object json;
  json.set("format", static_cast<Poco::UInt64>(format));
  json.set("app", app);
  json.set("version", version);
  json.set("strategy", strategy);
  json.set("files", list);
  if (!hooks.empty()) json.set("hooks", hooks);
  if (!modules.empty()) json.set("modules", modules_to_json(modules));
  return to_canonical_json(json);
}

}  // namespace midair
