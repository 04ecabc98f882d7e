/// @file
/// The last lines of what an app writes.
#pragma once

#include <array>
#include <cstddef>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

namespace midair::sidecar {

/// Remembers the last lines of one or two streams, in the order in which their lines ended. Bounded, whatever comes.
/// Not thread-safe.
class OutputTail {
 public:
  static constexpr std::size_t kMaxLines = 40;
  static constexpr std::size_t kMaxBytes = 16UL * 1024;  ///< of all lines together, as lines() gives them
  static constexpr std::size_t kMaxStreams = 2;

  /// The next bytes of a stream, any number of lines or part of one. Precondition: stream < kMaxStreams.
  void add(std::size_t stream, std::string_view bytes);

  /// The last of them, unfinished ones at the end, as may be shown to anybody: what looks like a secret is replaced
  /// (midair/redact.h), what could steer a terminal too. A line that is too long ends in "...".
  [[nodiscard]] std::vector<std::string> lines() const;

 private:
  /// A line's beginning: never its end alone, by which no secret in it could be known.
  struct Line {
    std::string text{};
    bool cut = false;
  };
  static void append(Line& line, std::string_view text);
  static std::string shown(const Line& line);

  std::deque<Line> lines_;
  std::array<Line, kMaxStreams> open_;  ///< what has no end yet
};

}  // namespace midair::sidecar
