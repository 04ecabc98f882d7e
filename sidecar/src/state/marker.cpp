#include "state/marker.h"

#include "midair/digest.h"
#include "midair/durable_file.h"
#include "midair/json/json.h"
#include "state/state_file.h"

namespace midair::sidecar {

Result<std::optional<Marker>> read_marker(const std::filesystem::path& path) {
  MIDAIR_TRY_ASSIGN(const auto object, read_state_file(path));
  if (!object) return std::optional<Marker>();
  JsonReader reader(**object, path.string());
  Marker marker;
  marker.version = reader.string("version");
  marker.digest = reader.string("digest");
  marker.hot_ref = reader.string("hot_ref");
  marker.base_image_ref = reader.string("base_image_ref");
  marker.committed_at = reader.string("committed_at");
  marker.sequence = reader.unsigned_integer("sequence");
  if (!is_sha256_hex(marker.digest)) reader.complain("'digest' is no SHA-256");
  MIDAIR_TRY(reader.finish());
  return std::optional(std::move(marker));
}

Result<void> write_marker(const std::filesystem::path& path, const Marker& marker) {
  Poco::JSON::Object object;
  object.set("version", marker.version);
  object.set("digest", marker.digest);
  object.set("hot_ref", marker.hot_ref);
  object.set("base_image_ref", marker.base_image_ref);
  object.set("committed_at", marker.committed_at);
  object.set("sequence", marker.sequence);
  return write_state_file(path, object);
}

Result<void> remove_marker(const std::filesystem::path& path) { return remove_file_durably(path); }

}  // namespace midair::sidecar
