/// @file
/// Small HTTP exchanges with one server: the plumbing below every API client. Certificates are always verified, no
/// redirect is ever followed, every wait has a deadline.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "midair/call_timer.h"
#include "midair/error.h"

namespace midair {

/// One request.
struct HttpRequest {
  std::string method;
  std::string target;  ///< path and query, encoded: "/v1/apps?org_slug=x"
  std::vector<std::pair<std::string, std::string>> headers{};
  std::string body{};
  /// May the server see it twice? Then it may go over a kept-alive connection, and again if that was just closed.
  bool repeatable = true;
  /// From the request's last byte to the answer's head, besides the deadline of the call.
  std::chrono::milliseconds patience = std::chrono::seconds(10);
};

/// An answer of any status, read to its end.
struct HttpAnswer {
  int status = 0;
  std::map<std::string, std::string> headers{};  ///< names in lower case
  std::string body{};

  /// Empty if there is none. `name` is lower case.
  [[nodiscard]] std::string header(const std::string& name) const;
  /// Retry-After, in seconds or as a date (RFC 9110 section 10.2.3).
  [[nodiscard]] std::optional<std::chrono::milliseconds> retry_after() const;
};

/// What a status other than 2xx and 3xx means.
[[nodiscard]] Errc errc_of_http_status(int status) noexcept;

/// Keeps a few connections alive. Thread-safe.
class HttpClient {
 public:
  /// `address` is "https://HOST[:PORT][/PATH]", "http://..." or "unix:///PATH" (a socket). `ca_file`: roots besides the
  /// system's; may be empty. Talks to nobody. Errc::bad_input if one of them is unusable.
  static Result<std::unique_ptr<HttpClient>> open(std::string_view address, const std::string& ca_file);
  ~HttpClient();

  /// Errc::timeout, unavailable, cancelled, refused (TLS) or corrupt (no HTTP, or a body beyond `max_bytes`).
  /// `reached`, if given, becomes true as soon as the server may have seen the request.
  [[nodiscard]] Result<HttpAnswer> send(const HttpRequest& request, std::uint64_t max_bytes, const CallTimer& timer,
                                        bool* reached = nullptr) const;

  /// What people call the server: "https://host", "unix:///path".
  [[nodiscard]] const std::string& name() const;

 private:
  class Server;
  explicit HttpClient(std::unique_ptr<Server> server);
  const std::unique_ptr<Server> server_;
};

}  // namespace midair
