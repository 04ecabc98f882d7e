#include "midair/host/publish/lock_record.h"

#include "midair/json/json.h"

namespace midair::host {

Result<LockRecord> LockRecord::parse(std::string_view text, const std::string& subject) {
  MIDAIR_TRY_ASSIGN(const auto json, parse_json_object(text, subject, kMaxLockBytes));
  JsonReader reader(*json, subject);
  LockRecord record;
  record.locked_by = reader.string("locked_by");
  record.locked_at = reader.string("locked_at");
  record.deployment_id = reader.optional_string("deployment_id");
  record.expires_at = reader.string("expires_at");
  record.fence = reader.optional_unsigned("fence").value_or(0);
  record.since = reader.optional_string("since");
  MIDAIR_TRY(reader.finish());
  return record;
}

std::string LockRecord::to_json() const {
  Poco::JSON::Object json;
  json.set("locked_by", locked_by);
  json.set("locked_at", locked_at);
  json.set("deployment_id", deployment_id);
  json.set("expires_at", expires_at);
  json.set("fence", fence);
  if (!since.empty()) json.set("since", since);
  return to_canonical_json(json);
}

}  // namespace midair::host
