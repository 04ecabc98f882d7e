/// @file
/// Compiled Python that no machine will use.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "midair/release/manifest.h"

namespace midair {

/// Looks at .pyc files (PEP 552): one that is tied to its source by time is stale where the source gets another, and
/// then Python compiles it at each start anew. Not thread-safe.
class StalePyc {
 public:
  /// So much of a file is looked at.
  static constexpr std::size_t kHeaderBytes = 16;

  /// `beginning`: of the file's content, kHeaderBytes unless it is shorter.
  void look_at(const std::string& path, std::string_view beginning);

  /// How many of them are stale in a release of `manifest`, and what to do; empty if none is.
  [[nodiscard]] std::string notice(const Manifest& manifest) const;

 private:
  struct Tied {
    std::string source;  ///< its path
    std::uint32_t time;  ///< that it must have
  };
  std::vector<Tied> tied_;
};

}  // namespace midair
