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

#include "midair/bytes.h"
#include "midair/call_timer.h"
#include "midair/error.h"

namespace midair {

/// A stretch of a source; nothing where `source` is null.
struct HttpBody {
  ByteSource* source = nullptr;
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
};

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
  HttpBody stream{};  ///< instead of `body`, for what lies elsewhere
  /// Where it is not repeatable: over a new connection, lest one that was just closed leave its outcome open. That
  /// costs a handshake, which who can find out the outcome saves.
  bool own_connection = true;
};

/// What stands before the body of an answer of any status.
struct HttpHead {
  int status = 0;
  std::map<std::string, std::string> headers{};  ///< names in lower case; of several with one name the first

  [[nodiscard]] bool is_success() const { return status >= 200 && status < 300; }
  /// Empty if there is none. `name` in any case.
  [[nodiscard]] std::string header(std::string_view name) const;
  /// Retry-After, in seconds or as a date (RFC 9110 section 10.2.3).
  [[nodiscard]] std::optional<std::chrono::milliseconds> retry_after() const;
};

/// An answer of any status, read to its end.
struct HttpAnswer : HttpHead {
  std::string body{};
};

/// An answer whose body is still to be read. Gives its connection back when it goes, so it must outlive neither its
/// client nor the timer of its call. Used by one thread at a time.
class HttpStream {
 public:
  HttpStream(HttpStream&&) noexcept;
  HttpStream& operator=(HttpStream&&) = delete;
  ~HttpStream();

  [[nodiscard]] const HttpHead& head() const;
  /// The next bytes of the body; 0 at its end. Errc::unavailable if the connection ends before the body does,
  /// Errc::timeout, cancelled, or corrupt (chunks that are none).
  [[nodiscard]] Result<std::size_t> read(char* buffer, std::size_t capacity);
  /// What is left of the body. Errc::corrupt beyond `max_bytes`.
  [[nodiscard]] Result<std::string> text(std::uint64_t max_bytes);

 private:
  friend class HttpClient;
  struct Exchange;
  explicit HttpStream(std::unique_ptr<Exchange> exchange);
  std::unique_ptr<Exchange> exchange_;
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

  /// Sends the request and reads the head of the answer. Errc::timeout, unavailable, cancelled, refused (TLS), corrupt
  /// (no HTTP), or the error of the request's source. `reached`, if given, becomes true as soon as the server may have
  /// seen the request.
  [[nodiscard]] Result<HttpStream> begin(const HttpRequest& request, const CallTimer& timer,
                                         bool* reached = nullptr) const;

  /// The same, and the body. Errc::corrupt also if that has more than `max_bytes`.
  [[nodiscard]] Result<HttpAnswer> send(const HttpRequest& request, std::uint64_t max_bytes, const CallTimer& timer,
                                        bool* reached = nullptr) const;

  /// The same, but the body of a success (2xx) goes to `sink` as it comes, whatever its length; that of another answer,
  /// of at most 64 KiB, is in what is returned. After an error the sink may hold a part.
  [[nodiscard]] Result<HttpAnswer> send(const HttpRequest& request, ByteSink& sink, const CallTimer& timer,
                                        bool* reached = nullptr) const;

  /// What people call the server: "https://host", "unix:///path".
  [[nodiscard]] const std::string& name() const;

 private:
  class Server;
  explicit HttpClient(std::unique_ptr<Server> server);
  const std::unique_ptr<Server> server_;
};

}  // namespace midair
