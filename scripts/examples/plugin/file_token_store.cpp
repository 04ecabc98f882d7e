#include "file_token_store.h"

#include <midair/digest.h>
#include <midair/durable_file.h>
#include <midair/json/json.h>

#include <algorithm>
#include <tuple>

using namespace midair;
using namespace midair::host;
using std::chrono::milliseconds;

namespace {

constexpr std::uint64_t kMaxSize = 1 << 20;

std::uint64_t to_milliseconds(WallTime time) {
  return static_cast<std::uint64_t>(std::chrono::floor<milliseconds>(time.time_since_epoch()).count());
}

WallTime from_milliseconds(std::uint64_t count) { return WallTime(milliseconds(count)); }

Result<TokenEntry> read_entry(const std::filesystem::path& path) {
  MIDAIR_TRY_ASSIGN(const std::string text, read_file(path, kMaxSize));
  MIDAIR_TRY_ASSIGN(const auto object, parse_json_object(text, path.string(), kMaxSize));
  JsonReader reader(*object, path.string());
  TokenEntry entry;
  entry.app = reader.string("app");
  entry.token.text = Secret(reader.string("token"));
  entry.token.source = reader.optional_string("source");
  entry.token.stored_at = from_milliseconds(reader.unsigned_integer("stored_at"));
  if (const auto expires_at = reader.optional_unsigned("expires_at"))
    entry.token.expires_at = from_milliseconds(*expires_at);
  const auto slot = parse_token_slot(reader.string("slot"));
  if (!slot) reader.complain("'slot' is unknown");
  MIDAIR_TRY(reader.finish());
  entry.slot = *slot;
  return entry;
}

}  // namespace

std::filesystem::path FileTokenStore::path_of(const std::string& app, TokenSlot slot) const {
  Sha256 hash;
  hash.update(app);
  return directory_ / (hash.finish_hex() + "." + to_string(slot));  // any app's name makes a file name
}

Result<std::optional<StoredToken>> FileTokenStore::get(const std::string& app, TokenSlot slot, const CallLimits&) {
  MIDAIR_TRY(check_token_app(app));
  auto entry = read_entry(path_of(app, slot));
  if (entry.ok()) return std::optional(std::move(entry->token));
  if (entry.error().code == Errc::not_found) return std::optional<StoredToken>();
  return std::move(entry).error();
}

Result<void> FileTokenStore::put(const std::string& app, TokenSlot slot, const StoredToken& token, const CallLimits&) {
  MIDAIR_TRY(check_token_app(app));
  Poco::JSON::Object object;
  object.set("app", app);
  object.set("slot", to_string(slot));
  object.set("token", token.text.reveal());
  object.set("source", token.source);
  object.set("stored_at", to_milliseconds(token.stored_at));
  if (token.expires_at) object.set("expires_at", to_milliseconds(*token.expires_at));
  MIDAIR_TRY(make_private_dir(directory_));
  return write_file_durably(path_of(app, slot), to_canonical_json(object));
}

Result<void> FileTokenStore::remove(const std::string& app, TokenSlot slot, const CallLimits&) {
  MIDAIR_TRY(check_token_app(app));
  if (!std::filesystem::exists(directory_)) return {};
  return remove_file_durably(path_of(app, slot));
}

Result<std::vector<TokenEntry>> FileTokenStore::list(const CallLimits&) {
  std::vector<TokenEntry> entries;
  std::error_code failure;  // no directory, no tokens
  for (const auto& file : std::filesystem::directory_iterator(directory_, failure)) {
    const std::string slot = file.path().extension().string();
    if (slot.empty() || !parse_token_slot(slot.substr(1))) continue;  // on its way to becoming one
    auto entry = read_entry(file.path());
    if (entry.ok())
      entries.push_back(std::move(entry).value());
    else if (entry.error().code != Errc::not_found)
      return std::move(entry).error();
  }
  std::ranges::sort(entries, {}, [](const TokenEntry& entry) { return std::tie(entry.app, entry.slot); });
  return entries;
}
