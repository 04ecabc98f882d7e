#include "net/http_connection.h"

#include <Poco/Net/HTTPClientSession.h>
#include <Poco/Net/NetException.h>
#include <Poco/Net/SSLException.h>
#include <Poco/Net/StreamSocket.h>
#include <Poco/String.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>

#include "midair/fd.h"
#include "net/guarded_socket.h"
#include "net/resolve.h"

namespace midair {

using Poco::Net::HTTPClientSession;
using Poco::Net::HTTPRequest;
using Poco::Net::HTTPResponse;
using Poco::Net::SocketAddress;
using Poco::Net::StreamSocket;

namespace {

constexpr std::size_t kSendChunk = 64 * 1024;
/// How long an answer may take that a server gave before it closed the connection in the middle of our body.
constexpr std::chrono::seconds kEarlyAnswerPatience{2};

/// The one place where what Poco throws becomes an Error.
Error translate(const Poco::Exception& error, const HttpUrl& server) {
  const std::string subject = server.scheme + "://" + server.authority();
  if (dynamic_cast<const StopRequested*>(&error) != nullptr)
    return {Errc::cancelled, "talk to", subject, error.message()};
  if (dynamic_cast<const Poco::TimeoutException*>(&error) != nullptr)
    return {Errc::timeout, "talk to", subject, error.message()};
  if (dynamic_cast<const Poco::Net::SSLConnectionUnexpectedlyClosedException*>(&error) != nullptr)
    return {Errc::unavailable, "talk to", subject, "the connection was lost"};
  if (dynamic_cast<const Poco::Net::CertificateValidationException*>(&error) != nullptr)
    return {Errc::refused, "trust", subject, error.message(),
            "check the endpoint and its certificate; name the root that signed it in MIDAIR_CA_FILE"};
  // An end without a goodbye, a reset, or no TLS at all.
  if (dynamic_cast<const Poco::Net::SSLException*>(&error) != nullptr)
    return {Errc::unavailable, "talk to", subject, error.displayText(), "check the endpoint if this goes on"};
  if (dynamic_cast<const Poco::Net::NoMessageException*>(&error) != nullptr)
    return {Errc::unavailable, "talk to", subject, "it closed the connection without an answer"};
  if (dynamic_cast<const Poco::DataFormatException*>(&error) != nullptr)  // ours
    return {Errc::corrupt, "talk to", subject, "its answer has " + error.message(), "check the endpoint"};
  if (dynamic_cast<const Poco::Net::MessageException*>(&error) != nullptr ||
      dynamic_cast<const Poco::DataException*>(&error) != nullptr)
    return {Errc::corrupt, "talk to", subject, "its answer is not HTTP", "check the endpoint"};
  if (dynamic_cast<const Poco::IOException*>(&error) != nullptr)
    return {Errc::unavailable, "talk to", subject, error.displayText()};
  return {Errc::io, "talk to", subject, error.displayText()};
}

Result<std::vector<SocketAddress>> addresses_of(const HttpUrl& server, const CallTimer& timer) {
  if (server.scheme != "unix") return resolve(server.host, server.port, timer);
  if (server.path.size() >= sizeof(sockaddr_un::sun_path))
    return Error{Errc::bad_input, "talk to", server.path, "the path is too long for a socket"};
  return std::vector{SocketAddress(SocketAddress::UNIX_LOCAL, server.path)};
}

/// A connected, non-blocking socket. Throws.
Fd connect_to(const SocketAddress& address, const SocketGuard& guard) {
  Fd fd(::socket(address.af(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) throw Poco::IOException("socket", std::strerror(errno), errno);
  int error = ::connect(fd.get(), address.addr(), address.length()) == 0 ? 0 : errno;
  if (error == EINPROGRESS) {
    guard.wait(fd.get(), POLLOUT);
    socklen_t length = sizeof error;
    ::getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &error, &length);
  }
  if (error != 0) throw Poco::IOException(address.toString(), std::strerror(error), error);
  const int on = 1;  // without it small requests wait for the acknowledgement of their predecessors
  ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return fd;
}

/// Tries each address in turn; the last one's exception is thrown.
Fd connect_to_any(const std::vector<SocketAddress>& addresses, SocketGuard& guard) {
  const auto count = static_cast<int>(addresses.size());
  for (int i = 0;; ++i) {
    guard.begin_phase("no connection", std::chrono::milliseconds(kConnectPatience) / count);
    try {
      return connect_to(addresses[static_cast<std::size_t>(i)], guard);
    } catch (const StopRequested&) {
      throw;
    } catch (const Poco::Exception&) {
      if (i + 1 == count) throw;
    }
  }
}

StreamSocket tls_socket(PlainSocket& tcp, const std::string& host, const Poco::Net::Context::Ptr& tls,
                        SocketGuard& guard) {
  auto* socket = new TlsSocket(tcp, tls, guard);
  StreamSocket owner(socket);
  guard.begin_phase("no TLS handshake", kConnectPatience);
  socket->handshake(host);
  return owner;
}

/// All that the answer says under `name`.
std::vector<std::string> values_of(const HTTPResponse& response, const char* name) {
  std::vector<std::string> values;
  for (const auto& [key, value] : response)
    if (Poco::icompare(key, name) == 0) values.push_back(value);
  return values;
}

/// Content-Length, if there is one. Throws where that is no number, or several that differ: what one reader takes for
/// the end of the answer would be the middle of it for another.
std::optional<std::uint64_t> announced_length(const HTTPResponse& response) {
  std::optional<std::uint64_t> length;
  for (const std::string& value : values_of(response, "Content-Length")) {
    std::int64_t number = -1;  // what fits here, Poco can count too
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
    if (error != std::errc() || end != value.data() + value.size() || number < 0)
      throw Poco::DataFormatException("a length that is no number");
    if (length && *length != static_cast<std::uint64_t>(number))
      throw Poco::DataFormatException("two lengths that differ");
    length = number;
  }
  return length;
}

/// Throws for a coding that nobody asked for.
bool is_chunked(const HTTPResponse& response) {
  const auto codings = values_of(response, "Transfer-Encoding");
  if (codings.empty() || (codings.size() == 1 && Poco::icompare(codings.front(), "identity") == 0)) return false;
  if (codings.size() == 1 && Poco::icompare(codings.front(), "chunked") == 0) return true;
  throw Poco::DataFormatException("a transfer coding that was not asked for");
}

}  // namespace

/// Poco's session on a socket of ours. It would connect again by itself when a write fails, and so send a request
/// twice: here it never does.
class HttpConnection::Session final : public HTTPClientSession {
 public:
  explicit Session(const StreamSocket& socket) : HTTPClientSession(socket) { setKeepAlive(true); }

  int read(char* buffer, std::streamsize length) override { return HTTPSession::read(buffer, length); }
  // NOLINTNEXTLINE(bugprone-parent-virtual-call): the parent's is what connects again
  int write(const char* buffer, std::streamsize length) override { return HTTPSession::write(buffer, length); }
  void connect(const SocketAddress& /*address*/) override { throw Poco::IOException("the connection was lost"); }
  [[nodiscard]] bool mustReconnect() const override { return false; }

  using HTTPClientSession::buffered;
  using HTTPClientSession::clearException;
  void rethrow() const {
    if (networkException() != nullptr) networkException()->rethrow();
  }
};

HttpConnection::HttpConnection(HttpUrl server) : server_(std::move(server)) {}
HttpConnection::~HttpConnection() = default;

Result<std::unique_ptr<HttpConnection>> HttpConnection::open(const HttpUrl& server, const Poco::Net::Context::Ptr& tls,
                                                             const CallTimer& timer) {
  std::unique_ptr<HttpConnection> connection(new HttpConnection(server));
  MIDAIR_TRY(connection->connect(tls, timer));
  return connection;
}

Result<void> HttpConnection::connect(const Poco::Net::Context::Ptr& tls, const CallTimer& timer) {
  MIDAIR_TRY_ASSIGN(const auto addresses, addresses_of(server_, timer));
  guard_.begin_call(timer);
  try {
    auto* tcp = new PlainSocket(connect_to_any(addresses, guard_), guard_);
    const StreamSocket plain(tcp);
    session_ =
        std::make_unique<Session>(server_.scheme == "https" ? tls_socket(*tcp, server_.host, tls, guard_) : plain);
  } catch (const Poco::Exception& error) {
    return failure(error);
  }
  return {};
}

Result<void> HttpConnection::send(HTTPRequest& request, const HttpBody& body) {
  guard_.begin_phase("nothing could be sent", kStallPatience);
  session_->sendRequest(request).flush();
  session_->rethrow();
  if (body.source == nullptr) return {};
  MIDAIR_TRY(body.source->seek(body.offset));
  const auto buffer = std::make_unique<char[]>(kSendChunk);
  for (std::uint64_t left = body.length; left > 0;) {
    const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(left, kSendChunk));
    MIDAIR_TRY_ASSIGN(const std::size_t n, body.source->read(buffer.get(), wanted));
    if (n == 0)
      return Error{Errc::corrupt, "send", "the body", "its source ended early",
                   "leave the file alone while it is uploaded"};
    guard_.begin_phase("nothing could be sent", kStallPatience);
    session_->write(buffer.get(), static_cast<std::streamsize>(n));
    left -= n;
  }
  return {};
}

Result<void> HttpConnection::exchange(HTTPRequest& request, const HttpBody& body, const CallTimer& timer,
                                      HTTPResponse& response, std::chrono::milliseconds first_byte_patience) {
  ++exchanges_;
  answered_ = false;
  guard_.begin_call(timer);
  try {
    try {
      MIDAIR_TRY(send(request, body));
      guard_.begin_phase("no answer", first_byte_patience);
      session_->receiveResponse(response);
    } catch (const Poco::IOException& error) {
      if (guard_.received() > 0) throw;
      MIDAIR_TRY(receive_early_answer(failure(error), response));
    }
    return expect_body(request, response);
  } catch (const Poco::Exception& error) {
    return failure(error);
  }
}

/// How the end of the body will be known (RFC 9112 section 6.3).
Result<void> HttpConnection::expect_body(const HTTPRequest& request, const HTTPResponse& response) {
  const auto length = announced_length(response);
  const bool chunked = is_chunked(response);
  const bool has_body = request.getMethod() != HTTPRequest::HTTP_HEAD &&
                        response.getStatus() != HTTPResponse::HTTP_NO_CONTENT &&
                        response.getStatus() != HTTPResponse::HTTP_NOT_MODIFIED;
  left_ = !has_body ? 0 : chunked ? std::nullopt : length;
  chunks_.reset();
  if (has_body && chunked)
    chunks_.emplace([this](char* buffer, std::size_t capacity) { return read_stretch(buffer, capacity); });
  ended_ = left_ == 0;
  // What names both a length and chunks may be read otherwise by whoever stands between: no further answer after it.
  keeps_ = response.getKeepAlive() && (left_ || chunks_) && !(chunked && length);
  answered_ = true;
  guard_.begin_phase("no progress", kStallPatience);
  guard_.renew_on_progress();
  return {};
}

Error HttpConnection::failure(const Poco::Exception& error) const {
  Error failure = translate(error, server_);
  if (guard_.stopped()) {  // then whatever failed did so because the guard closed the connection
    failure.code = Errc::cancelled;
    failure.cause = "the caller asked to stop";
  } else if (failure.code == Errc::corrupt && guard_.ended()) {
    failure.code = Errc::unavailable;
    failure.cause = "it closed the connection in the middle of an answer";
  }
  return failure;
}

/// A server that refuses a large body may answer and close before it has read all of it.
Result<void> HttpConnection::receive_early_answer(Error lost, HTTPResponse& response) {
  try {
    session_->clearException();
    guard_.begin_phase("no answer", kEarlyAnswerPatience);
    session_->receiveResponse(response);
    return {};
  } catch (const Poco::Exception&) {
    return lost;
  }
}

std::size_t HttpConnection::read_stretch(char* buffer, std::size_t capacity) {
  const int n = session_->read(buffer, static_cast<std::streamsize>(capacity));
  return n > 0 ? static_cast<std::size_t>(n) : 0;
}

Result<std::size_t> HttpConnection::read(char* buffer, std::size_t capacity) {
  try {
    if (ended_) return std::size_t{0};
    if (!left_) {
      const std::size_t n = chunks_ ? chunks_->read(buffer, capacity) : read_stretch(buffer, capacity);
      ended_ = n == 0;
      return n;
    }
    const std::size_t n = read_stretch(buffer, static_cast<std::size_t>(std::min<std::uint64_t>(capacity, *left_)));
    if (n == 0)
      throw Poco::IOException("it closed the connection " + std::to_string(*left_) +
                              " bytes before the end of its answer");
    *left_ -= n;
    ended_ = *left_ == 0;
    return n;
  } catch (const Poco::Exception& error) {
    return failure(error);
  }
}

bool HttpConnection::is_reusable() const { return answered_ && ended_ && keeps_ && session_->buffered() == 0; }

bool HttpConnection::is_alive() const {
  pollfd ready{session_->socket().impl()->sockfd(), POLLIN, 0};
  return ::poll(&ready, 1, 0) == 0;
}

}  // namespace midair
