#include "midair/store/memory_object_store.h"

#include <utility>

#include "midair/call_timer.h"
#include "midair/net/url_text.h"
#include "store/store_rules.h"

namespace midair {

namespace {

constexpr std::string_view kUrlPrefix = "memory:///";
constexpr std::size_t kChunk = 64 * 1024;

Error no_such_object(const std::string& key) { return {Errc::not_found, "find", key, "there is no such object"}; }

Result<std::string> read_all(const std::string& key, ByteSource& body, const CallTimer& timer) {
  MIDAIR_TRY(body.seek(0));
  std::string bytes;
  std::size_t filled = 0;
  for (;;) {
    MIDAIR_TRY(timer.check("store", key));
    bytes.resize(filled + kChunk);
    MIDAIR_TRY_ASSIGN(const std::size_t n, body.read(bytes.data() + filled, kChunk));
    filled += n;
    if (n == 0) break;
  }
  bytes.resize(filled);
  if (filled != body.size()) return wrong_body_length(key, body.size(), filled);
  return bytes;
}

}  // namespace

std::optional<MemoryObjectStore::Object> MemoryObjectStore::find(const std::string& key) const {
  const std::lock_guard lock(mutex_);
  const auto found = objects_.find(key);
  if (found == objects_.end()) return std::nullopt;
  return found->second;
}

Result<GetAnswer> MemoryObjectStore::get(const GetRequest& request, ByteSink& sink, const CallLimits& limits) {
  MIDAIR_TRY(check_key(request.key));
  const CallTimer timer(limits);
  MIDAIR_TRY(timer.check("read", request.key));
  const auto object = find(request.key);
  if (!object) return no_such_object(request.key);
  const std::string_view bytes = *object->bytes;
  GetAnswer answer{false, object->etag, bytes.size()};
  if (!request.if_none_match.empty() && request.if_none_match == object->etag) {
    answer.not_modified = true;
    return answer;
  }
  MIDAIR_TRY(check_size(request, bytes.size()));
  MIDAIR_TRY_ASSIGN(std::uint64_t offset, start_of_delivery(request, object->etag, bytes.size(), sink));
  for (; offset < bytes.size(); offset += kChunk) {
    MIDAIR_TRY(timer.check("read", request.key));
    MIDAIR_TRY(sink.write(bytes.substr(offset, kChunk)));
  }
  return answer;
}

Result<Etag> MemoryObjectStore::put(const std::string& key, ByteSource& body, const PutCondition& condition,
                                    const CallLimits& limits) {
  MIDAIR_TRY(check_key(key));
  MIDAIR_TRY_ASSIGN(std::string bytes, read_all(key, body, CallTimer(limits)));
  auto shared = std::make_shared<const std::string>(std::move(bytes));
  const std::lock_guard lock(mutex_);
  const auto found = objects_.find(key);
  const auto current = found == objects_.end() ? std::nullopt : std::optional(found->second.etag);
  MIDAIR_TRY(check_condition(condition, current, key));
  Object object{std::move(shared), "\"v" + std::to_string(++versions_) + "\"", std::chrono::system_clock::now()};
  Etag etag = object.etag;
  objects_.insert_or_assign(key, std::move(object));
  return etag;
}

Result<ObjectInfo> MemoryObjectStore::head(const std::string& key, const CallLimits& limits) {
  MIDAIR_TRY(check_key(key));
  MIDAIR_TRY(CallTimer(limits).check("find", key));
  const auto object = find(key);
  if (!object) return no_such_object(key);
  return ObjectInfo{key, object->etag, object->bytes->size(), object->modified};
}

Result<void> MemoryObjectStore::remove(const std::string& key, const CallLimits& limits, const Etag& if_match) {
  MIDAIR_TRY(check_key(key));
  MIDAIR_TRY(CallTimer(limits).check("remove", key));
  const std::lock_guard lock(mutex_);
  const auto found = objects_.find(key);
  if (found == objects_.end()) return {};
  if (!if_match.empty()) MIDAIR_TRY(check_condition(PutCondition::if_match(if_match), found->second.etag, key));
  objects_.erase(found);
  return {};
}

Result<std::vector<ObjectInfo>> MemoryObjectStore::list(const std::string& prefix, const CallLimits& limits) {
  MIDAIR_TRY(check_prefix(prefix));
  MIDAIR_TRY(CallTimer(limits).check("list", prefix));
  std::vector<ObjectInfo> listing;
  const std::lock_guard lock(mutex_);
  for (auto at = objects_.lower_bound(prefix); at != objects_.end() && at->first.starts_with(prefix); ++at)
    listing.push_back({at->first, at->second.etag, at->second.bytes->size(), at->second.modified});
  return listing;
}

std::string MemoryObjectStore::url_of(const std::string& key) const {
  return std::string(kUrlPrefix) + percent_encode(key, true);
}

std::optional<std::string> MemoryObjectStore::key_of(std::string_view url) const {
  if (!url.starts_with(kUrlPrefix)) return std::nullopt;
  return decode_key(url.substr(kUrlPrefix.size()));
}

}  // namespace midair
