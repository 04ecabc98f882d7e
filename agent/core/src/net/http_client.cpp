#include "midair/net/http_client.h"

#include <Poco/Net/HTTPRequest.h>
#include <Poco/String.h>

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
constexpr std::uint64_t kMaxRefusal = 64 * 1024;
constexpr std::size_t kChunk = 64 * 1024;

std::optional<HttpUrl> parse_address(std::string_view address) {
  if (!address.starts_with(kUnixScheme)) return parse_http_url(address);
  const std::string path(address.substr(kUnixScheme.size()));
  return path.starts_with('/') ? std::optional(HttpUrl{"unix", "localhost", 80, path}) : std::nullopt;
}

HttpHead head_of(const HTTPResponse& response) {
  HttpHead head;
  head.status = response.getStatus();
  for (const auto& [name, value] : response) head.headers.emplace(Poco::toLower(name), value);
  return head;
}

Result<void> deliver(HttpStream& from, ByteSink& to) {
  const auto buffer = std::make_unique<char[]>(kChunk);
  for (;;) {
    MIDAIR_TRY_ASSIGN(const std::size_t n, from.read(buffer.get(), kChunk));
    if (n == 0) return {};
    MIDAIR_TRY(to.write({buffer.get(), n}));
  }
}

}  // namespace

struct HttpStream::Exchange {
  ConnectionPool& pool;
  std::unique_ptr<HttpConnection> connection;
  HttpHead head;
};

HttpStream::HttpStream(std::unique_ptr<Exchange> exchange) : exchange_(std::move(exchange)) {}
HttpStream::HttpStream(HttpStream&&) noexcept = default;
HttpStream::~HttpStream() {
  if (exchange_) exchange_->pool.give_back(std::move(exchange_->connection));
}

const HttpHead& HttpStream::head() const { return exchange_->head; }

Result<std::size_t> HttpStream::read(char* buffer, std::size_t capacity) {
  return exchange_->connection->read(buffer, capacity);
}

Result<std::string> HttpStream::text(std::uint64_t max_bytes) {
  std::string text;
  char buffer[16 * 1024];
  for (;;) {
    MIDAIR_TRY_ASSIGN(const std::size_t n, read(buffer, sizeof buffer));
    if (n == 0) return text;
    if (text.size() + n > max_bytes)
      return Error{Errc::corrupt, "read the answer of", exchange_->connection->server_name(),
                   "longer than " + std::to_string(max_bytes) + " bytes"};
    text.append(buffer, n);
  }
}

class HttpClient::Server {
 public:
  Server(const HttpUrl& url, Poco::Net::Context::Ptr tls)
      : pool_(url, std::move(tls)),
        is_unix_(url.scheme == "unix"),
        prefix_(is_unix_ ? "" : url.path.substr(0, url.path.find_last_not_of('/') + 1)),
        name_(is_unix_ ? std::string(kUnixScheme) + url.path : url.scheme + "://" + url.authority() + prefix_) {}

  /// The one place where a request is sent again: over a new connection, if the kept one had been closed meanwhile.
  Result<std::pair<std::unique_ptr<HttpConnection>, HttpHead>> exchange(const HttpRequest& request,
                                                                        const CallTimer& timer, bool* reached) {
    HTTPRequest http = http_of(request);
    const bool may_reuse = request.repeatable || !request.own_connection;
    TextSource text(request.body);
    const HttpBody body = request.stream.source != nullptr ? request.stream : HttpBody{&text, 0, text.size()};
    for (;;) {
      MIDAIR_TRY(timer.check("ask", name_));
      MIDAIR_TRY_ASSIGN(auto connection, may_reuse ? pool_.take(timer) : pool_.open(timer));
      if (reached != nullptr) *reached = true;
      HTTPResponse response;
      const auto exchanged = connection->exchange(http, body, timer, response, request.patience);
      if (exchanged.ok()) return std::pair(std::move(connection), head_of(response));
      const bool was_stale =
          exchanged.error().code == Errc::unavailable && connection->was_reused() && !connection->was_answered();
      if (!was_stale || !request.repeatable) return exchanged.error();
    }
  }

  [[nodiscard]] ConnectionPool& pool() { return pool_; }
  [[nodiscard]] const std::string& name() const { return name_; }

 private:
  [[nodiscard]] HTTPRequest http_of(const HttpRequest& request) const {
    HTTPRequest http(request.method, prefix_ + request.target, HTTPMessage::HTTP_1_1);
    http.setHost(pool_.server().authority());
    http.set("User-Agent", "midair/" MIDAIR_BUILD_VERSION);
    http.set("Accept-Encoding", "identity");
    for (const auto& [name, value] : request.headers) http.set(name, value);
    const std::uint64_t length = request.stream.source != nullptr ? request.stream.length : request.body.size();
    if (length > 0 || request.method == HTTPRequest::HTTP_POST || request.method == HTTPRequest::HTTP_PUT)
      http.setContentLength64(static_cast<Poco::Int64>(length));
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
    return Error{Errc::bad_input, "use the address", one_line(address), "it is no http(s) URL",
                 "write https://HOST[:PORT]"};
  Poco::Net::Context::Ptr tls;
  if (url->scheme == "https") {
    MIDAIR_TRY_ASSIGN(tls, make_tls_context(ca_file));
  }
  return std::unique_ptr<HttpClient>(new HttpClient(std::make_unique<Server>(*url, std::move(tls))));
}

Result<HttpStream> HttpClient::begin(const HttpRequest& request, const CallTimer& timer, bool* reached) const {
  MIDAIR_TRY_ASSIGN(auto exchanged, server_->exchange(request, timer, reached));
  return HttpStream(std::unique_ptr<HttpStream::Exchange>(
      new HttpStream::Exchange{server_->pool(), std::move(exchanged.first), std::move(exchanged.second)}));
}

Result<HttpAnswer> HttpClient::send(const HttpRequest& request, std::uint64_t max_bytes, const CallTimer& timer,
                                    bool* reached) const {
  MIDAIR_TRY_ASSIGN(HttpStream stream, begin(request, timer, reached));
  HttpAnswer answer{stream.head()};
  MIDAIR_TRY_ASSIGN(answer.body, stream.text(max_bytes));
  return answer;
}

Result<HttpAnswer> HttpClient::send(const HttpRequest& request, ByteSink& sink, const CallTimer& timer,
                                    bool* reached) const {
  MIDAIR_TRY_ASSIGN(HttpStream stream, begin(request, timer, reached));
  HttpAnswer answer{stream.head()};
  if (answer.is_success()) {
    MIDAIR_TRY(deliver(stream, sink));
  } else {
    MIDAIR_TRY_ASSIGN(answer.body, stream.text(kMaxRefusal));
  }
  return answer;
}

const std::string& HttpClient::name() const { return server_->name(); }

std::string HttpHead::header(std::string_view name) const {
  const auto found = headers.find(Poco::toLower(std::string(name)));
  return found == headers.end() ? std::string() : found->second;
}

std::optional<std::chrono::milliseconds> HttpHead::retry_after() const {
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
