/// @file
/// How long to wait before the next try.
#pragma once

#include <chrono>
#include <random>

#include "midair/error.h"

namespace midair {

/// How delays grow: the first one, up to the highest, times `factor` from each to the next.
struct BackoffSteps {
  std::chrono::milliseconds first;    ///< above zero
  std::chrono::milliseconds highest;  ///< not below `first`
  double factor = 2;
  /// The share of each delay that chance decides. 1: all of it ("Exponential Backoff And Jitter", AWS Architecture
  /// Blog), so that a fleet that failed together does not come back together. 0: none.
  double jitter = 1;
};

/// Growing delays: the n-th is uniform in [(1 - jitter) * d, d] with d = min(highest, first * factor^n). Not
/// thread-safe.
class Backoff {
 public:
  using Seed = std::minstd_rand::result_type;

  /// A seed of one's own makes delays that repeat.
  explicit Backoff(const BackoffSteps& steps, Seed seed = std::random_device{}());

  /// The delay before the next try; the one after it may be longer.
  [[nodiscard]] std::chrono::milliseconds next();
  /// The same, counted from the server's Retry-After where `error` carries one, of which ten minutes at most are
  /// obeyed.
  [[nodiscard]] std::chrono::milliseconds after(const Error& error);
  /// Begins anew, after a success.
  void reset() { ceiling_ = steps_.first; }

 private:
  BackoffSteps steps_;
  std::chrono::milliseconds ceiling_;
  std::minstd_rand random_;
};

}  // namespace midair
