#include "state/state_file.h"

#include <cstdint>

#include "midair/durable_file.h"
#include "midair/json/json.h"

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

}  // namespace midair::sidecar
