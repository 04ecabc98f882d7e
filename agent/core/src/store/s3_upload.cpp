#include "store/s3_upload.h"

#include <algorithm>

#include "midair/digest.h"
#include "midair/log.h"
#include "midair/retry.h"
#include "store/s3_xml.h"
#include "store/store_rules.h"

namespace midair {

namespace {

constexpr std::size_t kHashChunk = 64 * 1024;
constexpr std::uint64_t kMaxParts = 10'000;  // S3's own limit
constexpr std::size_t kMaxDocument = 1 << 20;
constexpr std::chrono::seconds kAbortDeadline{1};

/// Readers of ours don't ask; FlyDeploy's decode JSON only where it is called so.
std::string content_type_of(std::string_view key) {
  if (key.ends_with(".json") || key.ends_with(".lock")) return "application/json";
  if (key.ends_with(".tar.gz")) return "application/gzip";
  return "application/octet-stream";
}

/// SHA-256 in hex of a stretch of the body.
Result<std::string> hash_stretch(ByteSource& body, std::uint64_t offset, std::uint64_t length, const std::string& key) {
  MIDAIR_TRY(body.seek(offset));
  const auto buffer = std::make_unique<char[]>(kHashChunk);
  Sha256 hash;
  for (std::uint64_t left = length; left > 0;) {
    const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(left, kHashChunk));
    MIDAIR_TRY_ASSIGN(const std::size_t n, body.read(buffer.get(), wanted));
    if (n == 0) return wrong_body_length(key, body.size(), offset + length - left);
    hash.update({buffer.get(), n});
    left -= n;
  }
  return hash.finish_hex();
}

/// What a failed write means: under a condition, a write whose outcome is unknown must not be repeated.
Error settle(Error error, bool conditional, bool reached) {
  if (!conditional) {
    // 409 without a condition is a writer that overlaps with ours: the same request may be repeated.
    if (error.code == Errc::precondition) error.code = Errc::unavailable;
    return error;
  }
  const bool lost = reached && error.http_status == 0 && error.retryable();
  const bool failed_inside = error.http_status >= 500 && error.code == Errc::unavailable;
  if (lost || failed_inside) {
    error.code = Errc::precondition;
    error.cause = "whether it was stored is unknown: " + error.cause;
    error.hint = "read it again and decide";
  } else if (error.code == Errc::not_found) {
    error.code = Errc::precondition;
    error.cause = "it does not exist any more: " + error.cause;
  }
  return error;
}

}  // namespace

S3Upload::S3Upload(S3Client& client, std::string key, ByteSource& body, const PutCondition& condition,
                   const CallTimer& timer)
    : client_(client), key_(std::move(key)), body_(body), condition_(condition), timer_(timer) {}

Result<Etag> S3Upload::run() { return body_.size() > kPartSize ? put_in_parts() : put_whole(); }

NameValues S3Upload::condition_headers() const {
  switch (condition_.kind) {
    case PutCondition::Kind::none: break;
    case PutCondition::Kind::if_absent: return {{"If-None-Match", "*"}};
    case PutCondition::Kind::if_match: return {{"If-Match", condition_.etag}};
  }
  return {};
}

S3Request S3Upload::request(const std::string& method, NameValues query) const {
  S3Request request;
  request.method = method;
  request.key = key_;
  request.query = std::move(query);
  request.purpose = {"store", key_};
  return request;
}

Result<Etag> S3Upload::put_stretch(const NameValues& query, const NameValues& headers, std::uint64_t offset,
                                   std::uint64_t length) {
  S3Request put = request("PUT", query);
  put.headers = headers;
  MIDAIR_TRY_ASSIGN(put.payload_sha256, hash_stretch(body_, offset, length, key_));
  if (length > 0) put.body = {&body_, offset, length};
  return with_retries(timer_, [&]() -> Result<Etag> {
    bool reached = false;
    const auto answer = client_.send(put, timer_, &reached);
    if (!answer) return settle(answer.error(), is_conditional_write(put), reached);
    Etag etag = to_etag(answer->head().header("ETag"));
    if (etag.empty())
      return Error{Errc::corrupt, "store", key_, "the answer has no ETag: it is not from an S3 server",
                   "check the endpoint (AWS_ENDPOINT_URL_S3) and the network"};
    return etag;
  });
}

Result<Etag> S3Upload::put_whole() {
  auto headers = condition_headers();
  headers.emplace_back("Content-Type", content_type_of(key_));
  return put_stretch({}, headers, 0, body_.size());
}

Result<Etag> S3Upload::put_in_parts() {
  MIDAIR_TRY(check_condition_by_head());
  MIDAIR_TRY_ASSIGN(const std::string upload_id, begin_parts());
  const auto parts = send_parts(upload_id);
  Result<Etag> stored = parts ? complete(upload_id, *parts) : parts.error();
  if (!stored) abort(upload_id);
  if (stored && stored->empty()) return current_version();
  return stored;
}

Result<void> S3Upload::check_condition_by_head() {
  if (condition_.kind == PutCondition::Kind::none) return {};
  MIDAIR_TRY_ASSIGN(const Etag current, current_version());
  return check_condition(condition_, current.empty() ? std::nullopt : std::optional(current), key_);
}

Result<Etag> S3Upload::current_version() {
  const auto answer = with_retries(timer_, [&] { return client_.send(request("HEAD", {}), timer_); });
  if (!answer && answer.error().code == Errc::not_found) return Etag();
  if (!answer) return answer.error();
  return to_etag(answer->head().header("ETag"));
}

Result<std::string> S3Upload::begin_parts() {
  return with_retries(timer_, [&]() -> Result<std::string> {
    S3Request post = request("POST", {{"uploads", ""}});
    post.headers = {{"Content-Type", content_type_of(key_)}};
    MIDAIR_TRY_ASSIGN(HttpStream answer, client_.send(post, timer_));
    MIDAIR_TRY_ASSIGN(const std::string document, answer.text(kMaxDocument));
    return parse_upload_id(document, key_);
  });
}

Result<std::vector<Etag>> S3Upload::send_parts(const std::string& upload_id) {
  const std::uint64_t part_size = std::max(kPartSize, (body_.size() + kMaxParts - 1) / kMaxParts);
  std::vector<Etag> parts;
  for (std::uint64_t offset = 0; offset < body_.size(); offset += part_size) {
    const NameValues query{{"partNumber", std::to_string(parts.size() + 1)}, {"uploadId", upload_id}};
    MIDAIR_TRY_ASSIGN(Etag part, put_stretch(query, {}, offset, std::min(part_size, body_.size() - offset)));
    parts.push_back(std::move(part));
  }
  return parts;
}

Result<Etag> S3Upload::complete(const std::string& upload_id, const std::vector<Etag>& parts) {
  MIDAIR_TRY(check_condition_by_head());
  const std::string document = completion_document(parts);
  TextSource body(document);
  S3Request post = request("POST", {{"uploadId", upload_id}});
  post.headers = condition_headers();
  post.headers.emplace_back("Content-Type", "application/xml");
  post.body = {&body, 0, body.size()};
  post.payload_sha256 = sha256_hex(document);
  return with_retries(timer_, [&]() -> Result<Etag> {
    bool reached = false;
    const auto attempt = [&]() -> Result<Etag> {
      MIDAIR_TRY_ASSIGN(HttpStream answer, client_.send(post, timer_, &reached));
      MIDAIR_TRY_ASSIGN(const std::string text, answer.text(kMaxDocument));
      // A completion takes long: S3 sends status 200 at once, and an error after it.
      if (parse_fault(text)) return s3_error_after_success(answer.head(), text, post.purpose);
      return parse_completed_etag(text, key_);
    };
    auto stored = attempt();
    if (!stored) return settle(stored.error(), condition_.kind != PutCondition::Kind::none, reached);
    return stored;
  });
}

void S3Upload::abort(const std::string& upload_id) {
  const CallTimer brief{CallLimits{kAbortDeadline}};
  S3Request remove = request("DELETE", {{"uploadId", upload_id}});
  remove.purpose.op = "abort the upload of";
  if (const auto aborted = client_.send(remove, brief); !aborted && aborted.error().http_status != 404)
    log(LogLevel::warning, "s3.upload_left_behind", {{"key", key_}, {"error", aborted.error().message()}});
}

}  // namespace midair
