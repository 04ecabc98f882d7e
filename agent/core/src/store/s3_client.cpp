#include "store/s3_client.h"

#include "midair/log.h"
#include "net/http_date.h"
#include "store/s3_xml.h"

namespace midair {

namespace {

constexpr std::size_t kMaxErrorDocument = 64 * 1024;
constexpr int kNotModified = 304;
constexpr int kForbidden = 403;
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
std::string read_document(HttpStream& answer) {
  auto text = answer.text(kMaxErrorDocument);
  return text ? std::move(text).value() : std::string();
}

}  // namespace

bool is_conditional_write(const S3Request& request) {
  if (request.method != "PUT" && request.method != "POST") return false;
  for (const auto& [name, value] : request.headers)
    if (name == "If-Match" || name == "If-None-Match") return true;
  return false;
}

Result<std::unique_ptr<S3Client>> S3Client::open(S3Access access, const std::string& ca_file) {
  HttpUrl server = server_of(access);
  MIDAIR_TRY_ASSIGN(auto http, HttpClient::open(server.scheme + "://" + server.authority(), ca_file));
  return std::unique_ptr<S3Client>(new S3Client(std::move(access), std::move(server), std::move(http)));
}

S3Client::S3Client(S3Access access, HttpUrl server, std::unique_ptr<HttpClient> http)
    : access_(std::move(access)), server_(std::move(server)), http_(std::move(http)) {}

std::string S3Client::path_of(const std::string& key) const {
  return (access_.path_style ? "/" + access_.bucket : std::string()) + "/" + percent_encode(key, true);
}

std::string S3Client::url_of(const std::string& key) const { return http_->name() + path_of(key); }

HttpRequest S3Client::sign(const S3Request& request) const {
  SigV4Request signed_part;
  signed_part.method = request.method;
  signed_part.path = path_of(request.key);
  signed_part.query = canonical_query(request.query);
  signed_part.payload_sha256 = request.payload_sha256;
  signed_part.headers = {{"host", server_.authority()},
                         {"x-amz-content-sha256", request.payload_sha256},
                         {"x-amz-date", amz_date(system_clock().wall() + clock_skew_.load())}};
  if (!access_.session_token.empty()) signed_part.headers["x-amz-security-token"] = access_.session_token.reveal();

  HttpRequest http{request.method, signed_part.path + (signed_part.query.empty() ? "" : "?" + signed_part.query)};
  http.headers = request.headers;
  http.headers.emplace_back("x-tigris-consistent", "true");  // Tigris: never answer from a replica that lags
  http.headers.insert(http.headers.end(), signed_part.headers.begin(), signed_part.headers.end());
  http.headers.emplace_back("Authorization", sigv4_authorization(signed_part, access_.identity));
  http.stream = request.body;
  http.repeatable = !is_conditional_write(request);
  http.own_connection = false;  // whoever writes under a condition reads again where the outcome is unknown
  return http;
}

Result<HttpStream> S3Client::send(const S3Request& request, const CallTimer& timer, bool* reached) {
  for (bool corrected = false;; corrected = true) {
    MIDAIR_TRY(timer.check(request.purpose.op, request.purpose.subject));
    MIDAIR_TRY_ASSIGN(HttpStream answer, http_->begin(sign(request), timer, reached));
    const int status = answer.head().status;
    if (answer.head().is_success() || status == kNotModified) return answer;
    const std::string document = request.method == "HEAD" ? "" : read_document(answer);
    if (status == kForbidden && !corrected && learn_clock_skew(answer.head())) continue;
    return s3_error(answer.head(), document, request.purpose);
  }
}

bool S3Client::learn_clock_skew(const HttpHead& head) {
  const auto date = parse_http_date(head.header("Date"));
  if (!date) return false;
  const auto skew = std::chrono::duration_cast<std::chrono::seconds>(*date - system_clock().wall());
  const auto known = clock_skew_.load();
  if (std::chrono::abs(skew - known) < kTolerableSkew) return false;
  if (clock_skew_.exchange(skew) == known)
    log(LogLevel::warning, "s3.clock_skew",
        {{"server", server_.authority()},
         {"offset_s", std::to_string(skew.count())},
         {"hint", "this host's clock is off; requests are signed with the server's time"}});
  return true;
}

}  // namespace midair
