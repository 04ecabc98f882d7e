#include "store/s3_client.h"

#include <Poco/Net/HTTPRequest.h>

#include "net/http_date.h"
#include "midair/log.h"
#include "store/s3_xml.h"

namespace midair {

using Poco::Net::HTTPMessage;
using Poco::Net::HTTPRequest;
using Poco::Net::HTTPResponse;

namespace {

constexpr std::size_t kMaxErrorDocument = 64 * 1024;
/// S3 tolerates 15 minutes; more than this is worth correcting once a signature was refused.
constexpr std::chrono::minutes kTolerableSkew{5};

std::string canonical_query(const NameValues& query) {
  std::string text;
  for (const auto& [name, value] : query) {
    if (!text.empty()) text += '&';
    text.append(percent_encode(name, false)).append("=").append(percent_encode(value, false));
  }
  return text;
}

HttpUrl server_of(const S3Access& access) {
  HttpUrl server = access.endpoint;
  server.path.clear();
  if (!access.path_style) server.host = access.bucket + "." + server.host;
  return server;
}

/// The beginning of an error's body; what can't be read any more is not worth a second error.
std::string read_document(S3Answer& answer) {
  auto text = answer.text(kMaxErrorDocument);
  return text ? std::move(text).value() : std::string();
}

}  // namespace

bool is_conditional_write(const S3Request& request) {
  if (request.method != HTTPRequest::HTTP_PUT && request.method != HTTPRequest::HTTP_POST) return false;
  for (const auto& [name, value] : request.headers)
    if (name == "If-Match" || name == "If-None-Match") return true;
  return false;
}

S3Answer::S3Answer(S3Client& client, std::unique_ptr<HttpConnection> connection)
    : client_(&client), connection_(std::move(connection)), head_(std::make_unique<HTTPResponse>()) {}

S3Answer::~S3Answer() {
  if (connection_) client_->pool_.give_back(std::move(connection_));
}

Result<std::string> S3Answer::text(std::size_t max_bytes) {
  std::string text;
  char buffer[4096];
  for (;;) {
    MIDAIR_TRY_ASSIGN(const std::size_t n, connection_->read(buffer, sizeof buffer));
    if (n == 0) return text;
    if (text.size() + n > max_bytes)
      return Error{Errc::corrupt, "read", "the server's answer", "longer than " + std::to_string(max_bytes) + " bytes"};
    text.append(buffer, n);
  }
}

S3Client::S3Client(S3Access access, Poco::Net::Context::Ptr tls)
    : access_(std::move(access)), pool_(server_of(access_), std::move(tls)) {}

std::string S3Client::path_of(const std::string& key) const {
  return (access_.path_style ? "/" + access_.bucket : std::string()) + "/" + percent_encode(key, true);
}

std::string S3Client::url_of(const std::string& key) const {
  return pool_.server().scheme + "://" + pool_.server().authority() + path_of(key);
}

void S3Client::sign(HTTPRequest& http, const S3Request& request, const std::string& query) const {
  SigV4Request signed_part;
  signed_part.method = request.method;
  signed_part.path = path_of(request.key);
  signed_part.query = query;
  signed_part.payload_sha256 = request.payload_sha256;
  signed_part.headers = {{"host", pool_.server().authority()},
                         {"x-amz-content-sha256", request.payload_sha256},
                         {"x-amz-date", amz_date(system_clock().wall() + clock_skew_.load())}};
  if (!access_.session_token.empty()) signed_part.headers["x-amz-security-token"] = access_.session_token.reveal();
  for (const auto& [name, value] : signed_part.headers) http.set(name, value);
  http.set("Authorization", sigv4_authorization(signed_part, access_.identity));
}

Result<S3Answer> S3Client::send_once(const S3Request& request, const CallTimer& timer, bool* reached) {
  const std::string query = canonical_query(request.query);
  HTTPRequest http(request.method, path_of(request.key) + (query.empty() ? "" : "?" + query), HTTPMessage::HTTP_1_1);
  http.set("User-Agent", "midair/" MIDAIR_BUILD_VERSION);
  http.set("Accept-Encoding", "identity");
  http.set("x-tigris-consistent", "true");  // Tigris: never answer from a replica that lags
  for (const auto& [name, value] : request.headers) http.set(name, value);
  if (request.method == HTTPRequest::HTTP_PUT || request.method == HTTPRequest::HTTP_POST)
    http.setContentLength64(static_cast<Poco::Int64>(request.body.length));
  sign(http, request, query);

  for (;;) {
    MIDAIR_TRY(timer.check(request.purpose.op, request.purpose.subject));
    MIDAIR_TRY_ASSIGN(auto connection, pool_.take(timer));
    if (reached != nullptr) *reached = true;
    S3Answer answer(*this, std::move(connection));
    const auto exchanged = answer.connection_->exchange(http, request.body, timer, *answer.head_);
    if (exchanged) return answer;
    const bool was_stale = exchanged.error().code == Errc::unavailable && answer.connection_->was_reused() &&
                           !answer.connection_->was_answered();
    if (!was_stale || is_conditional_write(request)) return exchanged.error();
  }
}

Result<S3Answer> S3Client::send(const S3Request& request, const CallTimer& timer, bool* reached) {
  for (bool corrected = false;; corrected = true) {
    MIDAIR_TRY_ASSIGN(S3Answer answer, send_once(request, timer, reached));
    const int status = answer.status();
    if ((status >= 200 && status < 300) || status == HTTPResponse::HTTP_NOT_MODIFIED) return answer;
    const std::string document = request.method == HTTPRequest::HTTP_HEAD ? "" : read_document(answer);
    if (status == HTTPResponse::HTTP_FORBIDDEN && !corrected && learn_clock_skew(answer.head())) continue;
    return s3_error(answer.head(), document, request.purpose);
  }
}

bool S3Client::learn_clock_skew(const HTTPResponse& head) {
  const auto date = parse_http_date(head.get("Date", ""));
  if (!date) return false;
  const auto skew = std::chrono::duration_cast<std::chrono::seconds>(*date - system_clock().wall());
  const auto known = clock_skew_.load();
  if (std::chrono::abs(skew - known) < kTolerableSkew) return false;
  if (clock_skew_.exchange(skew) == known)
    log(LogLevel::warning, "s3.clock_skew",
        {{"server", pool_.server().authority()},
         {"offset_s", std::to_string(skew.count())},
         {"hint", "this host's clock is off; requests are signed with the server's time"}});
  return true;
}

}  // namespace midair
