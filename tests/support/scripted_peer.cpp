#include "scripted_peer.h"

#include <Poco/Exception.h>
#include <Poco/Net/NetException.h>
#include <Poco/Net/SocketAddress.h>
#include <Poco/String.h>
#include <sys/socket.h>

#include <chrono>
#include <optional>
#include <sstream>
#include <stdexcept>

namespace midair {

using Poco::Net::StreamSocket;

namespace {

void send_all(StreamSocket& socket, const std::string& bytes) {
  for (std::size_t sent = 0; sent < bytes.size();)
    sent += static_cast<std::size_t>(socket.sendBytes(bytes.data() + sent, static_cast<int>(bytes.size() - sent)));
}

/// Appends what comes until `enough`; false at the end of the connection.
bool read_until(StreamSocket& socket, std::string& text, const std::function<bool()>& enough) {
  char buffer[16384];
  while (!enough()) {
    const int n = socket.receiveBytes(buffer, sizeof buffer);
    if (n <= 0) return false;
    text.append(buffer, static_cast<std::size_t>(n));
  }
  return true;
}

std::optional<PeerRequest> read_request(StreamSocket& socket) {
  std::string text;
  if (!read_until(socket, text, [&] { return text.find("\r\n\r\n") != std::string::npos; })) return std::nullopt;
  const std::size_t head_end = text.find("\r\n\r\n") + 4;
  std::istringstream head(text.substr(0, head_end));
  PeerRequest request;
  std::string line;
  std::getline(head, line);
  std::istringstream(line) >> request.method >> request.uri;
  while (std::getline(head, line) && line != "\r") {
    const auto colon = line.find(':');
    request.headers[Poco::toLower(line.substr(0, colon))] = Poco::trim(line.substr(colon + 1));
  }
  request.body = text.substr(head_end);
  const auto length = request.headers.count("content-length") > 0 ? std::stoul(request.headers["content-length"]) : 0;
  if (!read_until(socket, request.body, [&] { return request.body.size() >= length; })) return std::nullopt;
  return request;
}

}  // namespace

ScriptedPeer::ScriptedPeer(std::vector<Script> scripts)
    : scripts_(std::move(scripts)), listener_(Poco::Net::SocketAddress("127.0.0.1", 0)), thread_([this] { serve(); }) {}

ScriptedPeer::~ScriptedPeer() {
  ending_ = true;
  ::shutdown(listener_.impl()->sockfd(), SHUT_RDWR);  // wakes accept()
  {
    const std::lock_guard lock(mutex_);
    if (current_ != nullptr) ::shutdown(current_->impl()->sockfd(), SHUT_RDWR);
  }
  thread_.join();
}

std::string ScriptedPeer::endpoint() const { return "http://127.0.0.1:" + std::to_string(listener_.address().port()); }

std::vector<PeerRequest> ScriptedPeer::requests() const {
  const std::lock_guard lock(mutex_);
  return requests_;
}

void ScriptedPeer::await_request(std::size_t n) const {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (requests().size() < n) {
    if (std::chrono::steady_clock::now() > end) throw std::runtime_error("the peer was not asked");
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

void ScriptedPeer::serve() {
  while (!ending_) {
    try {
      StreamSocket socket = listener_.acceptConnection();
      ++connections_;
      {
        const std::lock_guard lock(mutex_);
        current_ = &socket;
      }
      if (!ending_) serve_connection(socket);
      const std::lock_guard lock(mutex_);
      current_ = nullptr;
    } catch (const Poco::Exception&) {  // the client went away, or this does
      const std::lock_guard lock(mutex_);
      current_ = nullptr;
    }
  }
}

void ScriptedPeer::serve_connection(StreamSocket& socket) {
  for (Then then = Then::keep; then == Then::keep;) {
    auto request = read_request(socket);
    if (!request) return;
    std::size_t n = 0;
    {
      const std::lock_guard lock(mutex_);
      requests_.push_back(*request);
      n = requests_.size();
    }
    const Script script = n <= scripts_.size() ? scripts_[n - 1] : answer("599 Not in the script");
    then = script(socket, *request);
    if (then == Then::reset) socket.setLinger(true, 0);
  }
}

ScriptedPeer::Script ScriptedPeer::answer(const std::string& head_and_status, const std::string& body, Then then) {
  return raw("HTTP/1.1 " + head_and_status + "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body,
             then);
}

ScriptedPeer::Script ScriptedPeer::raw(const std::string& bytes, Then then) {
  return [=](StreamSocket& socket, const PeerRequest&) {
    send_all(socket, bytes);
    return then;
  };
}

ScriptedPeer::Script ScriptedPeer::hang() {
  return [](StreamSocket& socket, const PeerRequest&) {
    char byte = 0;
    socket.receiveBytes(&byte, 1);
    return Then::close;
  };
}

ScriptedPeer::Script ScriptedPeer::trickle(const std::string& bytes, char drop) {
  return [=](StreamSocket& socket, const PeerRequest&) {
    send_all(socket, bytes);
    while (!socket.poll(Poco::Timespan(0, 10'000), Poco::Net::Socket::SELECT_READ)) socket.sendBytes(&drop, 1);
    return Then::close;
  };
}

}  // namespace midair
