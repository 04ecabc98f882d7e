#include "state/marker.h"

#include "midair/durable_file.h"
#include "midair/json/json.h"
#include "state/state_file.h"

namespace midair::sidecar {

Result<std::optional<Marker>> read_marker(const std::filesystem::path& path) {
  MIDAIR_TRY_ASSIGN(const auto object, read_state_file(path));
  if (!object) return std::optional<Marker>();
  JsonReader reader(**object, path.string());
  Marker marker;
  marker.name() = read_release_name(reader);
  marker.committed_at = reader.string("committed_at");
  MIDAIR_TRY(reader.finish());
  return std::optional(std::move(marker));
}

Result<void> write_marker(const std::filesystem::path& path, const Marker& marker) {
  Poco::JSON::Object object;
  set_release_name(object, marker.name());
  object.set("committed_at", marker.committed_at);
  return write_state_file(path, object);
}

Result<void> remove_marker(const std::filesystem::path& path) { return remove_file_durably(path); }

}  // namespace midair::sidecar
