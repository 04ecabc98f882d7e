#include "midair/store/object_store.h"

#include <algorithm>

#include "midair/foreign_text.h"
#include "midair/net/url_text.h"

namespace midair {

namespace {

constexpr std::size_t kMaxKeyBytes = 1024;  // S3's own limit
constexpr std::size_t kShownKeyBytes = 80;
constexpr std::chrono::seconds kTransferAllowance{30};
constexpr std::uint64_t kMinBytesPerSecond = 128 * 1024;

const char* problem_of_segment(std::string_view segment) {
  if (segment.empty()) return "it has an empty segment";
  if (segment == "." || segment == "..") return "it has a segment '.' or '..'";
  return nullptr;
}

const char* problem_of_key(std::string_view key) {
  if (key.empty()) return "it is empty";
  if (key.size() > kMaxKeyBytes) return "it is longer than 1024 bytes";
  if (std::any_of(key.begin(), key.end(), [](char c) { return c < ' ' || c > '~'; }))
    return "it has characters that are not printable ASCII";
  for (std::size_t start = 0; start <= key.size();) {
    const std::size_t end = std::min(key.find('/', start), key.size());
    if (const char* problem = problem_of_segment(key.substr(start, end - start))) return problem;
    start = end + 1;
  }
  return nullptr;
}

}  // namespace

CallLimits transfer_limits(std::uint64_t size, std::stop_token stop) {
  return {kTransferAllowance + std::chrono::seconds(size / kMinBytesPerSecond), std::move(stop)};
}

Result<void> check_key(std::string_view key) {
  if (const char* problem = problem_of_key(key))
    return Error{Errc::bad_input, "use the object key", "'" + printable(key, kShownKeyBytes) + "'", problem,
                 "keys are relative paths such as releases/app-current.json"};
  return {};
}

std::optional<std::string> decode_key(std::string_view path) {
  if (path.find_first_of("?# ") != std::string_view::npos) return std::nullopt;
  auto key = percent_decode(path);
  if (!key || std::count(key->begin(), key->end(), '/') != std::count(path.begin(), path.end(), '/') ||
      !check_key(*key).ok())
    return std::nullopt;
  return key;
}

Result<std::optional<TextObject>> get_news(ObjectStore& store, const std::string& key, std::uint64_t max_size,
                                           const Etag& known, const CallLimits& limits) {
  TextSink sink;
  GetRequest request;
  request.key = key;
  request.max_size = max_size;
  request.if_none_match = known;
  MIDAIR_TRY_ASSIGN(GetAnswer answer, store.get(request, sink, limits));
  if (answer.not_modified) return std::optional<TextObject>();
  return std::optional(TextObject{sink.take(), std::move(answer.etag)});
}

Result<TextObject> get_text(ObjectStore& store, const std::string& key, std::uint64_t max_size,
                            const CallLimits& limits) {
  MIDAIR_TRY_ASSIGN(auto object, get_news(store, key, max_size, {}, limits));
  if (!object) return Error{Errc::corrupt, "read", key, "the store answers 'not modified' though nobody asked that"};
  return *std::move(object);
}

Result<Etag> put_text(ObjectStore& store, const std::string& key, std::string_view text, const PutCondition& condition,
                      const CallLimits& limits) {
  TextSource source(text);
  return store.put(key, source, condition, limits);
}

}  // namespace midair
