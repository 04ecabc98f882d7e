/// @file
/// Signed requests to one bucket of an S3 server.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "midair/clock.h"
#include "midair/error.h"
#include "midair/net/http_client.h"
#include "midair/net/url_text.h"
#include "midair/secret.h"
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

/// Thread-safe.
class S3Client {
 public:
  /// Talks to nobody. `ca_file`: roots besides the system's; may be empty. Errc::bad_input if it is unusable.
  static Result<std::unique_ptr<S3Client>> open(S3Access access, const std::string& ca_file);

  /// Signs and sends the request once (again only where a kept-alive connection had been closed meanwhile, and never
  /// a write under a condition, which may have been done); anything but 2xx and 304 is an Error with its http_status. A
  /// clock that is off is learned from the server's Date header and corrected, in signatures only, without a pause.
  /// `reached`, if given, becomes true as soon as the server may have seen the request, and so may have done what it
  /// asks for. The answer must outlive neither this client nor `timer`.
  [[nodiscard]] Result<HttpStream> send(const S3Request& request, const CallTimer& timer, bool* reached = nullptr);

  /// "https://host/bucket/key" or "https://bucket.host/key".
  [[nodiscard]] std::string url_of(const std::string& key) const;
  [[nodiscard]] const S3Access& access() const { return access_; }

 private:
  S3Client(S3Access access, HttpUrl server, std::unique_ptr<HttpClient> http);

  [[nodiscard]] std::string path_of(const std::string& key) const;
  [[nodiscard]] HttpRequest sign(const S3Request& request) const;
  [[nodiscard]] bool learn_clock_skew(const HttpHead& head);

  const S3Access access_;
  const HttpUrl server_;  ///< the endpoint, with the bucket in the host's name unless path_style
  const std::unique_ptr<HttpClient> http_;

  std::atomic<std::chrono::seconds> clock_skew_{std::chrono::seconds(0)};  ///< the server's time minus ours
};

}  // namespace midair
