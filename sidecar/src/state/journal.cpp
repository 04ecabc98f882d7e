#include "state/journal.h"

#include "midair/durable_file.h"
#include "midair/json/json.h"
#include "state/state_file.h"

namespace midair::sidecar {

Result<std::optional<JournalEntry>> read_journal(const std::filesystem::path& path) {
  MIDAIR_TRY_ASSIGN(const auto object, read_state_file(path));
  if (!object) return std::optional<JournalEntry>();
  JsonReader reader(**object, path.string());
  JournalEntry entry;
  entry.upgrade_id = reader.string("upgrade_id");
  entry.name() = read_release_name(reader);
  entry.state = reader.string("state");
  entry.started_at = reader.string("started_at");
  entry.switched = reader.boolean("switched");
  MIDAIR_TRY(reader.finish());
  return std::optional(std::move(entry));
}

Result<void> write_journal(const std::filesystem::path& path, const JournalEntry& entry) {
  Poco::JSON::Object object;
  object.set("upgrade_id", entry.upgrade_id);
  set_release_name(object, entry.name());
  object.set("state", entry.state);
  object.set("started_at", entry.started_at);
  object.set("switched", entry.switched);
  return write_state_file(path, object);
}

Result<void> clear_journal(const std::filesystem::path& path) { return remove_file_durably(path); }

}  // namespace midair::sidecar
