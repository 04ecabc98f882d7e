#include "state/state_file.h"

#include <cstdint>

#include "midair/digest.h"
#include "midair/durable_file.h"

namespace midair::sidecar {

namespace {

constexpr std::uint64_t kFormat = 1;
constexpr std::uint64_t kMaxBytes = 64 * 1024;

}  // namespace

Result<std::optional<Poco::JSON::Object::Ptr>> read_state_file(const std::filesystem::path& path) {
  auto text = read_file(path, kMaxBytes);
  if (!text) {
    if (text.error().code == Errc::not_found) return std::optional<Poco::JSON::Object::Ptr>();
    return std::move(text).error();
  }
  MIDAIR_TRY_ASSIGN(auto object, parse_json_object(*text, path.string(), kMaxBytes));
  JsonReader reader(*object, path.string());
  const std::uint64_t format = reader.unsigned_integer("format");
  MIDAIR_TRY(reader.finish());
  if (format != kFormat)
    return Error{Errc::refused, "read", path.string(),
                 "it has format " + std::to_string(format) + ", this sidecar knows " + std::to_string(kFormat)};
  return std::optional(std::move(object));
}

Result<void> write_state_file(const std::filesystem::path& path, Poco::JSON::Object& object) {
  object.set("format", kFormat);
  return write_file_durably(path, to_canonical_json(object) + "\n");
}

ReleaseName read_release_name(JsonReader& reader) {
  ReleaseName name;
  name.version = reader.string("version");
  name.digest = reader.string("digest");
  name.hot_ref = reader.string("hot_ref");
  name.base_image_ref = reader.string("base_image_ref");
  name.sequence = reader.unsigned_integer("sequence");
  if (!is_sha256_hex(name.digest)) reader.complain("'digest' is no SHA-256");
  return name;
}

void set_release_name(Poco::JSON::Object& object, const ReleaseName& name) {
  object.set("version", name.version);
  object.set("digest", name.digest);
  object.set("hot_ref", name.hot_ref);
  object.set("base_image_ref", name.base_image_ref);
  object.set("sequence", name.sequence);
}

}  // namespace midair::sidecar
