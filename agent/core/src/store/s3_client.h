/// @file
/// Signed requests to one bucket of an S3 server, over a small pool of kept-alive connections.
#pragma once

#include <Poco/Net/Context.h>
#include <Poco/Net/HTTPResponse.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "net/connection_pool.h"
#include "net/http_connection.h"
#include "midair/clock.h"
#include "midair/error.h"
#include "midair/secret.h"
#include "midair/net/url_text.h"
#include "store/s3_error.h"
#include "store/sigv4.h"

namespace midair {

/// Name and value, in this order, as they go over the wire.
using NameValues = std::vector<std::pair<std::string, std::string>>;

/// One request.
struct S3Request {
  std::string method;
  std::string key{};     ///< as the bucket has it; empty for the bucket itself
  NameValues query{};    ///< not encoded, sorted by name
  NameValues headers{};  ///< sent, but not signed, so that a proxy may rewrite them: If-Match and the like
  HttpBody body{};       ///< nothing for requests without one
  std::string payload_sha256{kEmptySha256};
  S3Purpose purpose{};
};

/// True if it changes an object only under a condition, so that it must not be repeated blindly.
[[nodiscard]] bool is_conditional_write(const S3Request& request);

/// Where the bucket is and who asks.
struct S3Access {
  HttpUrl endpoint;
  std::string bucket;
  bool path_style = false;
  SigV4Identity identity;
  Secret session_token;  ///< may be empty
};

class S3Client;

/// A successful answer (2xx or 304) whose body is still to be read. Gives its connection back when it goes. Must not
/// outlive its client nor the timer of its call.
class S3Answer {
 public:
  S3Answer(S3Client& client, std::unique_ptr<HttpConnection> connection);
  S3Answer(S3Answer&&) noexcept = default;
  S3Answer& operator=(S3Answer&&) = delete;
  ~S3Answer();

  [[nodiscard]] int status() const { return head_->getStatus(); }
  [[nodiscard]] std::string header(const std::string& name) const { return head_->get(name, ""); }
  [[nodiscard]] const Poco::Net::HTTPResponse& head() const { return *head_; }
  /// The next bytes of the body; 0 at its end.
  [[nodiscard]] Result<std::size_t> read(char* buffer, std::size_t capacity) {
    return connection_->read(buffer, capacity);
  }
  /// The whole body. Errc::corrupt beyond `max_bytes`.
  [[nodiscard]] Result<std::string> text(std::size_t max_bytes);

 private:
  friend class S3Client;
  S3Client* client_;
  std::unique_ptr<HttpConnection> connection_;
  std::unique_ptr<Poco::Net::HTTPResponse> head_;
};

/// Thread-safe.
class S3Client {
 public:
  S3Client(S3Access access, Poco::Net::Context::Ptr tls);

  /// Signs and sends the request once; anything but 2xx and 304 is an Error with its http_status. Two things are
  /// repaired here without a pause: a kept-alive connection that the server had closed meanwhile (except for writes
  /// under a condition, which may have been done), and a clock that is off, which is learned from the server's Date
  /// header and corrected in signatures only. `reached`, if given, becomes true as soon as the server may have seen
  /// the request, and so may have done what it asks for.
  [[nodiscard]] Result<S3Answer> send(const S3Request& request, const CallTimer& timer, bool* reached = nullptr);

  /// "https://host/bucket/key" or "https://bucket.host/key".
  [[nodiscard]] std::string url_of(const std::string& key) const;
  [[nodiscard]] const S3Access& access() const { return access_; }

 private:
  friend class S3Answer;

  [[nodiscard]] Result<S3Answer> send_once(const S3Request& request, const CallTimer& timer, bool* reached);
  [[nodiscard]] std::string path_of(const std::string& key) const;
  void sign(Poco::Net::HTTPRequest& http, const S3Request& request, const std::string& query) const;
  [[nodiscard]] bool learn_clock_skew(const Poco::Net::HTTPResponse& head);

  const S3Access access_;
  ConnectionPool pool_;  ///< to the endpoint, with the bucket in the host's name unless path_style

  std::atomic<std::chrono::seconds> clock_skew_{std::chrono::seconds(0)};  ///< the server's time minus ours
};

}  // namespace midair
