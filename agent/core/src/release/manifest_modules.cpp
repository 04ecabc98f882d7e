#include "release/manifest_modules.h"

#include <algorithm>

#include "midair/foreign_text.h"

namespace midair {

namespace {

using Poco::JSON::Object;

bool consists_of(std::string_view characters, const std::string& text) {
  return !text.empty() && text.find_first_not_of(characters) == std::string::npos;
}

Error refused(const std::string& subject, const std::string& cause) {
  return {Errc::refused, "accept", subject, cause};
}

Result<void> check_module(const ManifestModule& module, const std::vector<ManifestFile>& files,
                          const std::string& subject) {
  const std::string what = "its module '" + printable(module.name) + "' ";
  if (module.name.size() > 64 ||
      !consists_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-", module.name))
    return refused(subject, what + "has a name that is not 1 to 64 bytes of [A-Za-z0-9._-]");
  if (module.build_id.size() > 128 || module.build_id.size() % 2 != 0 ||
      !consists_of("0123456789abcdef", module.build_id))
    return refused(subject, what + "has a build id that is not 1 to 64 bytes in lower-case hex");
  const bool is_file =
      std::any_of(files.begin(), files.end(), [&module](const ManifestFile& file) { return file.path == module.path; });
  if (!is_file) return refused(subject, what + "names a file that the release doesn't have");
  return {};
}

}  // namespace

std::vector<ManifestModule> read_modules(JsonReader& reader, const std::string& subject) {
  std::vector<ManifestModule> modules;
  const auto list = reader.optional_array("modules");
  for (std::size_t i = 0; list && i < list->size(); ++i) {
    const Object::Ptr object = list->getObject(static_cast<unsigned>(i));
    if (!object) {
      reader.complain("field 'modules' has an element that is not an object");
      break;
    }
    JsonReader element(*object, "module " + std::to_string(i + 1) + " of " + subject);
    modules.push_back({element.string("name"), element.string("path"), element.string("build_id")});
    if (auto read = element.finish(); !read) reader.complain(read.error().cause);
  }
  return modules;
}

Poco::JSON::Array::Ptr modules_to_json(const std::vector<ManifestModule>& modules) {
  Poco::JSON::Array::Ptr list = new Poco::JSON::Array;
  for (const ManifestModule& module : modules) {
    Object::Ptr entry = new Object;
    entry->set("name", module.name);
    entry->set("path", module.path);
    entry->set("build_id", module.build_id);
    list->add(entry);
  }
  return list;
}

Result<void> check_modules(const Manifest& manifest, const std::string& subject) {
  const auto& modules = manifest.modules;
  const bool in_place = manifest.strategy == kInPlace;
  if (in_place && modules.empty()) return refused(subject, "its strategy is in-place, but it has no modules");
  if (!in_place && !modules.empty())
    return refused(subject, "it has modules, but its strategy is " + manifest.strategy);
  if (modules.size() > kMaxModules)
    return refused(subject, "it has more than " + std::to_string(kMaxModules) + " modules");
  for (const ManifestModule& module : modules) MIDAIR_TRY(check_module(module, manifest.files, subject));
  const auto unordered =
      std::is_sorted_until(modules.begin(), modules.end(),
                           [](const ManifestModule& a, const ManifestModule& b) { return a.name <= b.name; });
  if (unordered == modules.end()) return {};
  return refused(subject, "its module '" + unordered->name + "' is there twice, or not in byte order");
}

}  // namespace midair
