#include "midair/net/http_client.h"

#include <Poco/Net/HTTPRequest.h>
#include <Poco/String.h>

#include <algorithm>
#include <charconv>

#include "midair/clock.h"
#include "midair/foreign_text.h"
#include "midair/net/url_text.h"
#include "net/connection_pool.h"
#include "net/http_date.h"
#include "net/tls_context.h"

namespace midair {

using Poco::Net::HTTPMessage;
using Poco::Net::HTTPRequest;
using Poco::Net::HTTPResponse;

namespace {

constexpr std::string_view kUnixScheme = "unix://";

/// A body in memory.
class TextSource final : public ByteSource {
 public:
  explicit TextSource(std::string_view text) : text_(text) {}
  [[nodiscard]] std::uint64_t size() const override { return text_.size(); }
  Result<std::size_t> read(char* buffer, std::size_t capacity) override {
    const std::size_t n = text_.copy(buffer, capacity, offset_);
    offset_ += n;
    return n;
  }
  Result<void> seek(std::uint64_t offset) override {
    offset_ = offset;
    return {};
  }

 private:
  const std::string_view text_;
  std::size_t offset_ = 0;
};

std::optional<HttpUrl> parse_address(std::string_view address) {
  if (!address.starts_with(kUnixScheme)) return parse_http_url(address);
  const std::string path(address.substr(kUnixScheme.size()));
  return path.starts_with('/') ? std::optional(HttpUrl{"unix", "localhost", 80, path}) : std::nullopt;
}

Result<HttpAnswer> read_answer(HttpConnection& connection, const HTTPResponse& head, const std::string& subject,
                               std::uint64_t max_bytes) {
  HttpAnswer answer;
  answer.status = head.getStatus();
  for (const auto& [name, value] : head) answer.headers[Poco::toLower(name)] = value;
  char buffer[16 * 1024];
  for (;;) {
    MIDAIR_TRY_ASSIGN(const std::size_t n, connection.read(buffer, sizeof buffer));
    if (n == 0) return answer;
    if (answer.body.size() + n > max_bytes)
      return Error{Errc::corrupt, "read the answer of", subject, "longer than " + std::to_string(max_bytes) + " bytes"};
    answer.body.append(buffer, n);
  }
}

}  // namespace

class HttpClient::Server {
 public:
  Server(const HttpUrl& url, Poco::Net::Context::Ptr tls)
      : pool_(url, std::move(tls)),
        is_unix_(url.scheme == "unix"),
        prefix_(is_unix_ ? "" : url.path.substr(0, url.path.find_last_not_of('/') + 1)),
        name_(is_unix_ ? std::string(kUnixScheme) + url.path : url.scheme + "://" + url.authority() + prefix_) {}

  Result<HttpAnswer> send(const HttpRequest& request, std::uint64_t max_bytes, const CallTimer& timer, bool* reached) {
    HTTPRequest http = head_of(request);
    for (;;) {
      MIDAIR_TRY(timer.check("ask", name_));
      MIDAIR_TRY_ASSIGN(auto connection, request.repeatable ? pool_.take(timer) : pool_.open(timer));
      if (reached != nullptr) *reached = true;
      TextSource body(request.body);
      HTTPResponse response;
      const auto exchanged =
          connection->exchange(http, {&body, 0, request.body.size()}, timer, response, request.patience);
      if (exchanged.ok()) {
        auto answer = read_answer(*connection, response, name_, max_bytes);
        if (answer.ok()) pool_.give_back(std::move(connection));
        return answer;
      }
      const bool was_stale =
          exchanged.error().code == Errc::unavailable && connection->was_reused() && !connection->was_answered();
      if (!was_stale) return exchanged.error();
    }
  }

  [[nodiscard]] const std::string& name() const { return name_; }

 private:
  [[nodiscard]] HTTPRequest head_of(const HttpRequest& request) const {
    HTTPRequest http(request.method, prefix_ + request.target, HTTPMessage::HTTP_1_1);
    http.setHost(pool_.server().authority());
    http.set("User-Agent", "midair/" MIDAIR_BUILD_VERSION);
    http.set("Accept-Encoding", "identity");
    for (const auto& [name, value] : request.headers) http.set(name, value);
    if (!request.body.empty() || request.method == HTTPRequest::HTTP_POST || request.method == HTTPRequest::HTTP_PUT)
      http.setContentLength64(static_cast<Poco::Int64>(request.body.size()));
    http.setKeepAlive(!is_unix_);
    return http;
  }

  ConnectionPool pool_;
  const bool is_unix_;
  const std::string prefix_;
  const std::string name_;
};

HttpClient::HttpClient(std::unique_ptr<Server> server) : server_(std::move(server)) {}
HttpClient::~HttpClient() = default;

Result<std::unique_ptr<HttpClient>> HttpClient::open(std::string_view address, const std::string& ca_file) {
  const auto url = parse_address(address);
  if (!url)
    return Error{Errc::bad_input, "use the address", one_line(std::string(address)), "it is no http(s) URL",
                 "write https://HOST[:PORT]"};
  Poco::Net::Context::Ptr tls;
  if (url->scheme == "https") {
    MIDAIR_TRY_ASSIGN(tls, make_tls_context(ca_file));
  }
  return std::unique_ptr<HttpClient>(new HttpClient(std::make_unique<Server>(*url, std::move(tls))));
}

Result<HttpAnswer> HttpClient::send(const HttpRequest& request, std::uint64_t max_bytes, const CallTimer& timer,
                                    bool* reached) const {
  return server_->send(request, max_bytes, timer, reached);
}

const std::string& HttpClient::name() const { return server_->name(); }

std::string HttpAnswer::header(const std::string& name) const {
  const auto found = headers.find(name);
  return found == headers.end() ? std::string() : found->second;
}

std::optional<std::chrono::milliseconds> HttpAnswer::retry_after() const {
  return parse_retry_after(header("retry-after"));
}

Errc errc_of_http_status(int status) noexcept {
  switch (status) {
    case 401:
    case 403: return Errc::denied;
    case 404: return Errc::not_found;
    case 408: return Errc::unavailable;
    case 409:
    case 412: return Errc::precondition;
    case 429: return Errc::throttled;
    case 501: return Errc::refused;
    case 507: return Errc::no_space;
    default: return status >= 500 ? Errc::unavailable : Errc::bad_input;
  }
}

}  // namespace midair
