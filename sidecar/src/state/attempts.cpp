#include "state/attempts.h"

#include <algorithm>

#include "midair/foreign_text.h"
#include "midair/json/json.h"
#include "midair/log.h"
#include "state/state_file.h"

namespace midair::sidecar {

namespace {

constexpr std::size_t kMaxReason = 1000;

}  // namespace

Attempts Attempts::load(const std::filesystem::path& path) {
  Attempts attempts(path);
  if (auto entries = read(path); entries)
    attempts.entries_ = std::move(entries).value();
  else
    log(LogLevel::warning, "attempts.lost", {{"error", entries.error().message()}});
  return attempts;
}

Result<Attempts::Entries> Attempts::read(const std::filesystem::path& path) {
  MIDAIR_TRY_ASSIGN(const auto object, read_state_file(path));
  if (!object) return Entries();
  JsonReader reader(**object, path.string());
  const auto array = reader.optional_array("attempts");
  MIDAIR_TRY(reader.finish());

  Entries entries;
  for (std::size_t i = 0; array && i < array->size(); ++i) {
    const auto item = array->getObject(static_cast<unsigned>(i));
    if (!item) return Error{Errc::corrupt, "read", path.string(), "an attempt is no object"};
    JsonReader fields(*item, path.string());
    Entry entry{fields.string("upgrade_id"), 0, {}, false};
    // More tries than either limit mean no more than those, and could wrap round to none.
    constexpr std::uint64_t kMost = std::max(kMaxAttempts, kMaxBadStarts);
    entry.count = static_cast<unsigned>(std::min(fields.unsigned_integer("count"), kMost));
    if (item->has("refused")) entry.refused = fields.string("refused");
    if (item->has("rolled_back")) entry.rolled_back = fields.boolean("rolled_back");
    MIDAIR_TRY(fields.finish());
    entries.push_back(std::move(entry));
  }
  return entries;
}

Result<void> Attempts::save(const Entries& entries) const {
  Poco::JSON::Array::Ptr array = new Poco::JSON::Array;
  for (const Entry& entry : entries) {
    Poco::JSON::Object::Ptr item = new Poco::JSON::Object;
    item->set("upgrade_id", entry.upgrade_id);
    item->set("count", entry.count);
    if (entry.refused) item->set("refused", *entry.refused);
    if (entry.rolled_back) item->set("rolled_back", true);
    array->add(item);
  }
  Poco::JSON::Object object;
  object.set("attempts", array);
  return write_state_file(path_, object);
}

Attempts::Entry& Attempts::entry_of(Entries& entries, const std::string& upgrade_id) {
  const auto found = std::ranges::find(entries, upgrade_id, &Entry::upgrade_id);
  if (found != entries.end()) return *found;
  if (entries.size() == kMaxRemembered) entries.erase(entries.begin());
  return entries.emplace_back(Entry{upgrade_id, 0, {}, false});
}

const Attempts::Entry* Attempts::find(const std::string& upgrade_id) const {
  const auto found = std::ranges::find(entries_, upgrade_id, &Entry::upgrade_id);
  return found == entries_.end() ? nullptr : &*found;
}

unsigned Attempts::count(const std::string& upgrade_id) const {
  const Entry* entry = find(upgrade_id);
  return entry ? entry->count : 0;
}

std::optional<std::string> Attempts::refused(const std::string& upgrade_id) const {
  const Entry* entry = find(upgrade_id);
  return entry ? entry->refused : std::nullopt;
}

Result<void> Attempts::begin(const std::string& upgrade_id) {
  Entries changed = entries_;
  ++entry_of(changed, upgrade_id).count;
  MIDAIR_TRY(save(changed));
  entries_ = std::move(changed);
  return {};
}

Result<void> Attempts::forgive(const std::string& upgrade_id) {
  if (count(upgrade_id) == 0) return {};
  Entries changed = entries_;
  --entry_of(changed, upgrade_id).count;
  MIDAIR_TRY(save(changed));
  entries_ = std::move(changed);
  return {};
}

void Attempts::forgive_later(const std::string& upgrade_id) {
  if (count(upgrade_id) > 0) --entry_of(entries_, upgrade_id).count;
}

Result<void> Attempts::refuse(const std::string& upgrade_id, const std::string& why, After after) {
  Entry& entry = entry_of(entries_, upgrade_id);
  entry.refused = one_line(why, kMaxReason);  // it may quote an app or a server
  entry.rolled_back = after == After::roll_back;
  return save(entries_);
}

bool Attempts::was_rolled_back(const std::string& upgrade_id) const {
  const Entry* entry = find(upgrade_id);
  return entry != nullptr && entry->rolled_back;
}

Result<void> Attempts::forget(const std::string& upgrade_id) {
  const auto known = std::erase_if(entries_, [&](const Entry& entry) { return entry.upgrade_id == upgrade_id; });
  return known == 0 ? Result<void>() : save(entries_);
}

Result<void> Attempts::forget_all_but(const std::string& upgrade_id) {
  std::erase_if(entries_, [&](const Entry& entry) { return entry.upgrade_id != upgrade_id; });
  return save(entries_);
}

void warn_unwritten(const Result<void>& written) {
  if (!written) log(LogLevel::warning, "attempts.unwritable", {{"error", written.error().to_string()}});
}

}  // namespace midair::sidecar
