/// @file
/// Kept-alive connections to one server.
#pragma once

#include <Poco/Net/Context.h>

#include <memory>
#include <mutex>
#include <vector>

#include "net/http_connection.h"

namespace midair {

/// Hands out connections that are still alive, or new ones. Thread-safe.
class ConnectionPool {
 public:
  ConnectionPool(HttpUrl server, Poco::Net::Context::Ptr tls) : server_(std::move(server)), tls_(std::move(tls)) {}

  [[nodiscard]] Result<std::unique_ptr<HttpConnection>> take(const CallTimer& timer);
  /// One that nobody has used before.
  [[nodiscard]] Result<std::unique_ptr<HttpConnection>> open(const CallTimer& timer) const {
    return HttpConnection::open(server_, tls_, timer);
  }
  /// Keeps the connection if it may serve again.
  void give_back(std::unique_ptr<HttpConnection> connection);
  [[nodiscard]] const HttpUrl& server() const { return server_; }

 private:
  const HttpUrl server_;
  const Poco::Net::Context::Ptr tls_;

  std::mutex mutex_;
  std::vector<std::unique_ptr<HttpConnection>> idle_;  ///< guarded by mutex_
};

}  // namespace midair
