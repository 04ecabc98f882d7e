#include "net/connection_pool.h"

namespace midair {

namespace {

constexpr std::size_t kMaxIdleConnections = 8;

}  // namespace

Result<std::unique_ptr<HttpConnection>> ConnectionPool::take(const CallTimer& timer) {
  for (;;) {
    std::unique_ptr<HttpConnection> connection;
    {
      const std::lock_guard lock(mutex_);
      if (idle_.empty()) break;
      connection = std::move(idle_.back());
      idle_.pop_back();
    }
    if (connection->is_alive()) return connection;
  }
  return open(timer);
}

void ConnectionPool::give_back(std::unique_ptr<HttpConnection> connection) {
  if (!connection->is_reusable()) return;
  const std::lock_guard lock(mutex_);
  if (idle_.size() < kMaxIdleConnections) idle_.push_back(std::move(connection));
}

}  // namespace midair
