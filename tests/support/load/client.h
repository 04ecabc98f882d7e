/// @file
/// One simulated client: asks, reads, thinks, asks again.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <random>
#include <stop_token>
#include <string>

#include "load_connection.h"
#include "tally.h"

namespace midair {

/// What all clients do.
struct LoadPlan {
  std::string host = "127.0.0.1";
  std::uint16_t port = 0;
  std::string path = "/";
  unsigned connections = 16;
  unsigned fresh_percent = 25;                ///< of the connections: those that open a new one for every request
  unsigned post_percent = 20;                 ///< of the requests
  unsigned stream_percent = 0;                ///< of the requests
  std::chrono::milliseconds think{5};         ///< between an answer and the next request
  std::chrono::milliseconds timeout{30'000};  ///< longest wait for a connection or for bytes
  std::string version_header = "app-version";
};

/// Runs requests one after the other. A failed request counts and is not repeated; the one exception is an idempotent
/// request on a reused connection that the server closed before any byte of the answer (RFC 9110, 9.2.2).
class Client {
 public:
  /// `number` chooses its kind (fresh or kept alive) and seeds its choices. `plan` and `tally` outlive it.
  Client(const LoadPlan& plan, unsigned number, Tally& tally);

  /// Until `stop` is requested; what was begun is finished.
  void run(const std::stop_token& stop);

 private:
  RequestKind choose();
  void request(RequestKind kind);
  Result<LoadAnswer> exchange(RequestKind kind);
  [[nodiscard]] std::string request_text(RequestKind kind) const;

  const LoadPlan& plan_;
  Tally& tally_;
  const bool fresh_;
  std::mt19937 random_;
  std::optional<LoadConnection> connection_{};
};

}  // namespace midair
