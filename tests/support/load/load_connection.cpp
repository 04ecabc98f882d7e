#include "load_connection.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <optional>

namespace midair {
namespace {

constexpr std::size_t kMaxLine = 16 * 1024;

Error failed(std::string op, std::string cause, Errc code = Errc::unavailable) {
  return Error{.code = code, .op = std::move(op), .subject = "the server", .cause = std::move(cause)};
}

Error failed_errno(const std::string& op) {
  const int error = errno;
  if (error == EAGAIN || error == EINPROGRESS) return failed(op, "nothing moved before the deadline", Errc::timeout);
  return failed(op, std::strerror(error));
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](unsigned char c) { return std::tolower(c); });
  return out;
}

template <class Number>
std::optional<Number> number(std::string_view text, int base = 10) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

Result<LoadConnection> LoadConnection::open(const std::string& host, std::uint16_t port,
                                            std::chrono::milliseconds timeout) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  if (inet_pton(AF_INET, host.c_str(), &address.sin_addr) != 1)
    return failed("connect", host + " is no IPv4 address", Errc::bad_input);

  Fd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket) return failed_errno("open a socket");
  const auto ms = timeout.count();
  const timeval limit{.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};
  const int one = 1;
  setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  if (connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    return failed_errno("connect");
  return LoadConnection(std::move(socket), timeout);
}

bool LoadConnection::stale() const {
  pollfd readable{.fd = socket_.get(), .events = POLLIN, .revents = 0};
  return !buffer_.empty() || poll(&readable, 1, 0) != 0;
}

Result<void> LoadConnection::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0) return failed_errno("send the request");
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return {};
}

Result<void> LoadConnection::receive() {
  std::array<char, 16 * 1024> chunk{};
  const ssize_t got = recv(socket_.get(), chunk.data(), chunk.size(), 0);
  if (got < 0) return failed_errno("read the answer");
  if (got == 0) return failed("read the answer", "the connection was closed before its end", Errc::corrupt);
  unanswered_ = false;
  const auto now = Clock::now();
  longest_gap_ = std::max<std::chrono::nanoseconds>(longest_gap_, now - last_arrival_);
  last_arrival_ = now;
  buffer_.append(chunk.data(), static_cast<std::size_t>(got));
  return {};
}

Result<std::string> LoadConnection::read_line() {
  std::size_t end = 0;
  while ((end = buffer_.find("\r\n")) == std::string::npos) {
    if (buffer_.size() > kMaxLine) return failed("read the answer", "a line is too long", Errc::corrupt);
    MIDAIR_TRY(receive());
  }
  std::string line = buffer_.substr(0, end);
  buffer_.erase(0, end + 2);
  return line;
}

Result<void> LoadConnection::skip(std::uint64_t bytes, LoadAnswer& answer) {
  answer.body_bytes += bytes;
  while (bytes > buffer_.size()) {
    bytes -= buffer_.size();
    buffer_.clear();
    MIDAIR_TRY(receive());
  }
  buffer_.erase(0, bytes);
  return {};
}

Result<void> LoadConnection::skip_chunks(LoadAnswer& answer) {
  while (true) {
    MIDAIR_TRY_ASSIGN(const auto line, read_line());
    const auto size = number<std::uint64_t>(line.substr(0, line.find(';')), 16);
    if (!size) return failed("read the answer", "bad chunk size '" + line + "'", Errc::corrupt);
    if (*size != 0) MIDAIR_TRY(skip(*size, answer));
    MIDAIR_TRY_ASSIGN(const auto rest, read_line());  // the chunk's end; no trailers are expected
    if (!rest.empty()) return failed("read the answer", "a chunk is longer than it said", Errc::corrupt);
    if (*size == 0) return {};
  }
}

Result<LoadAnswer> LoadConnection::exchange(std::string_view request, std::string_view version_header) {
  unanswered_ = true;
  longest_gap_ = {};
  last_arrival_ = Clock::now();
  MIDAIR_TRY(send(request));

  LoadAnswer answer;
  MIDAIR_TRY_ASSIGN(const auto status_line, read_line());
  const auto status = status_line.starts_with("HTTP/1.") && status_line.size() >= 12
                          ? number<int>(std::string_view(status_line).substr(9, 3))
                          : std::nullopt;
  if (!status) return failed("read the answer", "no status line: '" + status_line + "'", Errc::corrupt);
  answer.status = *status;
  answer.closes = status_line.starts_with("HTTP/1.0");

  std::optional<std::uint64_t> length;
  bool chunked = false;
  while (true) {
    MIDAIR_TRY_ASSIGN(const auto line, read_line());
    if (line.empty()) break;
    const auto colon = std::min(line.find(':'), line.size());
    const auto start = line.find_first_not_of(" \t", colon + 1);
    const std::string name = lower(line.substr(0, colon));
    const std::string value = start == std::string::npos ? "" : line.substr(start);
    if (name == "content-length") length = number<std::uint64_t>(value);
    if (name == "transfer-encoding") chunked = lower(value) == "chunked";
    if (name == "connection") answer.closes = lower(value) == "close";
    if (name == version_header) answer.version = value;
  }
  if (!chunked && !length) return failed("read the answer", "its length is not given", Errc::corrupt);
  if (chunked)
    MIDAIR_TRY(skip_chunks(answer));
  else
    MIDAIR_TRY(skip(*length, answer));
  answer.longest_gap = longest_gap_;
  return answer;
}

}  // namespace midair
