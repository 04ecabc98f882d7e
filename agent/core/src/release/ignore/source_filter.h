/// @file
/// What of a directory goes into a release, and what stays where it is.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "midair/error.h"
#include "midair/release/release_archive.h"
#include "release/ignore/ignore_rules.h"

namespace midair {

/// Patterns of a directory's own files, for somebody who walks through it from its root. The last pattern that matches
/// decides: first those of the options are asked, then those of each `.midairignore` from the innermost outwards, then
/// the defaults. Not thread-safe.
class SourceFilter {
 public:
  /// Errc::bad_input if a pattern of `options` is none.
  [[nodiscard]] static Result<SourceFilter> make(const PackOptions& options);

  /// On the way into `directory`, whose entries' names begin with `prefix`: reads its `.midairignore`. Errc::bad_input
  /// names what doesn't parse.
  [[nodiscard]] Result<void> enter(const std::filesystem::path& directory, const std::string& prefix);
  /// On the way out of what was entered last.
  void leave() { levels_.pop_back(); }

  /// Whether the entry of the directory entered last goes into the release. If not, it is remembered, and nothing below
  /// it may be asked for.
  [[nodiscard]] bool takes(const std::string& name, bool is_directory);

  /// In byte order of their names.
  [[nodiscard]] std::vector<LeftOut> take_left_out();

 private:
  /// Of one directory on the way to where we are.
  struct Level {
    std::size_t prefix_size = 0;
    IgnoreRules rules;
  };

  IgnoreRules options_;
  IgnoreRules defaults_;
  std::vector<Level> levels_;
  std::vector<LeftOut> left_out_;
};

}  // namespace midair
