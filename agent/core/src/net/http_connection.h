/// @file
/// One kept-alive HTTP/1.1 connection whose every wait has a deadline.
#pragma once

#include <Poco/Net/Context.h>
#include <Poco/Net/HTTPRequest.h>
#include <Poco/Net/HTTPResponse.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "midair/call_timer.h"
#include "midair/error.h"
#include "midair/net/http_client.h"
#include "midair/net/url_text.h"
#include "net/chunked_body.h"
#include "net/socket_guard.h"

namespace midair {

/// How long each phase of an exchange may take, besides the deadline of the whole call.
inline constexpr std::chrono::seconds kConnectPatience{5};     ///< all addresses together; the TLS handshake once more
inline constexpr std::chrono::seconds kFirstBytePatience{10};  ///< from the request's last byte to the answer's head
inline constexpr std::chrono::seconds kStallPatience{10};      ///< between two pieces of a body

/// One connection to one server; used by one thread at a time. No redirect is ever followed. After an error the
/// connection is of no more use.
class HttpConnection {
 public:
  /// `tls` is used where the server's scheme is https. For the scheme "unix" the path is that of a socket.
  static Result<std::unique_ptr<HttpConnection>> open(const HttpUrl& server, const Poco::Net::Context::Ptr& tls,
                                                      const CallTimer& timer);
  ~HttpConnection();

  /// Sends the request with the body and reads the head of the answer. `timer` must live until the answer was read.
  /// Errc::timeout, unavailable, cancelled, corrupt (no HTTP, or an answer whose end can't be told: lengths that
  /// differ, a coding that nobody asked for) or the source's own error.
  [[nodiscard]] Result<void> exchange(Poco::Net::HTTPRequest& request, const HttpBody& body, const CallTimer& timer,
                                      Poco::Net::HTTPResponse& response,
                                      std::chrono::milliseconds first_byte_patience = kFirstBytePatience);

  /// The next bytes of the answer's body; 0 at its end. Errc::unavailable if it ends before its announced length or
  /// its last chunk, Errc::corrupt if its chunks are none.
  [[nodiscard]] Result<std::size_t> read(char* buffer, std::size_t capacity);

  /// What people call the server: "https://host".
  [[nodiscard]] std::string server_name() const { return server_.scheme + "://" + server_.authority(); }
  /// True if the last exchange began on a connection that had served one before.
  [[nodiscard]] bool was_reused() const { return exchanges_ > 1; }
  /// True if the server has answered a byte in the last exchange.
  [[nodiscard]] bool was_answered() const { return guard_.received() > 0; }
  /// True if the answer was read to its end and the connection may serve another exchange.
  [[nodiscard]] bool is_reusable() const;
  /// True if the idle connection is still open and silent, as far as this side knows.
  [[nodiscard]] bool is_alive() const;

 private:
  class Session;
  explicit HttpConnection(HttpUrl server);

  [[nodiscard]] Result<void> connect(const Poco::Net::Context::Ptr& tls, const CallTimer& timer);
  [[nodiscard]] Result<void> send(Poco::Net::HTTPRequest& request, const HttpBody& body);
  [[nodiscard]] Result<void> receive_early_answer(Error lost, Poco::Net::HTTPResponse& response);
  [[nodiscard]] Result<void> expect_body(const Poco::Net::HTTPRequest& request,
                                         const Poco::Net::HTTPResponse& response);
  [[nodiscard]] std::size_t read_stretch(char* buffer, std::size_t capacity);
  [[nodiscard]] Error failure(const Poco::Exception& error) const;

  const HttpUrl server_;
  SocketGuard guard_;
  std::unique_ptr<Session> session_;
  bool answered_ = false;              ///< the head of the last exchange's answer was read
  bool keeps_ = false;                 ///< the server keeps the connection after this answer
  bool ended_ = false;                 ///< the body was read to its end
  std::optional<std::uint64_t> left_;  ///< of a body with a length
  std::optional<ChunkedBody> chunks_;  ///< a body without one: chunks, or all until the connection ends
  unsigned exchanges_ = 0;
};

}  // namespace midair
