/// @file
/// An HTTP server that misbehaves as it is told.
#pragma once

#include <Poco/Net/ServerSocket.h>
#include <Poco/Net/StreamSocket.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace midair {

/// What the peer was asked.
struct PeerRequest {
  std::string method;
  std::string uri;
  std::map<std::string, std::string> headers;  ///< names in lower case
  std::string body;
};

/// Listens on a free port of loopback and answers the n-th request with the n-th script; a request beyond the last
/// script is answered with status 599. Serves one connection at a time. Ends, and whatever hangs in it, when it goes.
class ScriptedPeer {
 public:
  enum class Then { keep, close, reset };
  /// Sees the request and writes to the connection; says what becomes of that.
  using Script = std::function<Then(Poco::Net::StreamSocket&, const PeerRequest&)>;

  explicit ScriptedPeer(std::vector<Script> scripts);
  ~ScriptedPeer();
  ScriptedPeer(const ScriptedPeer&) = delete;
  ScriptedPeer& operator=(const ScriptedPeer&) = delete;

  /// "http://127.0.0.1:PORT"
  [[nodiscard]] std::string endpoint() const;
  [[nodiscard]] std::vector<PeerRequest> requests() const;
  [[nodiscard]] int connections() const { return connections_; }
  /// Waits until the n-th request (from 1) has come in.
  void await_request(std::size_t n) const;

  /// A whole answer, with Content-Length.
  static Script answer(const std::string& head_and_status, const std::string& body = "", Then then = Then::keep);
  /// These bytes, as they are.
  static Script raw(const std::string& bytes, Then then);
  /// Nothing, until the client gives up.
  static Script hang();
  /// These bytes, then one more of `drop` every 10 ms until the client gives up.
  static Script trickle(const std::string& bytes, char drop);

 private:
  void serve();
  void serve_connection(Poco::Net::StreamSocket& socket);

  const std::vector<Script> scripts_;
  Poco::Net::ServerSocket listener_;
  std::atomic<bool> ending_{false};
  std::atomic<int> connections_{0};

  mutable std::mutex mutex_;
  std::vector<PeerRequest> requests_;      ///< guarded by mutex_
  Poco::Net::StreamSocket* current_ = {};  ///< guarded by mutex_

  std::thread thread_;
};

}  // namespace midair
