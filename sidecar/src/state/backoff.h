/// @file
/// How long to wait before the next try.
#pragma once

#include <chrono>
#include <random>

#include "midair/error.h"

namespace midair::sidecar {

/// Exponential backoff with full jitter: the n-th delay is uniform in [0, min(cap, first * 2^n)], which spreads a fleet
/// that failed together (AWS Builders' Library, "Timeouts, retries and backoff with jitter"). Not thread-safe.
class Backoff {
 public:
  /// Precondition: 0 < first <= cap. Give a seeded generator for delays that repeat.
  Backoff(std::chrono::milliseconds first, std::chrono::milliseconds cap,
          std::mt19937 generator = std::mt19937(std::random_device{}()));

  /// The delay before the next try; the one after it may be twice as long.
  [[nodiscard]] std::chrono::milliseconds next();
  /// The same, counted from the server's Retry-After where `error` carries one, of which ten minutes at most are
  /// obeyed.
  [[nodiscard]] std::chrono::milliseconds after(const Error& error);
  /// Begins anew, after a success.
  void reset() { ceiling_ = first_; }

 private:
  std::chrono::milliseconds first_, cap_, ceiling_;
  std::mt19937 generator_;
};

}  // namespace midair::sidecar
