/// @file
/// What the clients of a load saw, counted.
#pragma once

#include <Poco/JSON/Object.h>

#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "midair/error.h"

namespace midair {

/// What a request is for.
enum class RequestKind { get, post, stream };

/// Counts of all clients together. Thread-safe.
class Tally {
 public:
  using Clock = std::chrono::steady_clock;

  /// A request that was answered in full with a 2xx. `took` from its start to its last byte, retries included;
  /// `longest_gap` between two arrivals of bytes.
  void answered(RequestKind kind, const std::string& version, std::chrono::nanoseconds took,
                std::chrono::nanoseconds longest_gap);
  /// A request that was not.
  void failed(RequestKind kind, const Error& error);
  /// A kept-alive connection that was found closed before any byte of an answer, and replaced (RFC 9110, 9.2.2).
  void reconnected();

  [[nodiscard]] std::uint64_t failures() const;

  /// The fields that tests/README.md documents. `with_quantiles` costs a sort.
  [[nodiscard]] Poco::JSON::Object::Ptr to_json(bool with_quantiles) const;

 private:
  struct Version {
    std::uint64_t requests = 0;
    double first_s = 0;
    double last_s = 0;
  };
  [[nodiscard]] double since_start() const;

  const Clock::time_point start_ = Clock::now();

  mutable std::mutex mutex_;  // guards all below
  std::uint64_t requests_ = 0;
  std::uint64_t failures_ = 0;
  std::uint64_t reconnects_ = 0;
  std::uint64_t posts_ = 0;
  std::uint64_t streams_ = 0;
  std::chrono::nanoseconds pause_{};
  double pause_at_s_ = 0;
  std::chrono::nanoseconds stream_gap_{};
  std::vector<float> took_ms_;
  std::map<std::string, Version> versions_;
  std::vector<std::string> failure_samples_;
};

}  // namespace midair
