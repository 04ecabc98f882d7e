/// @file
/// Patterns of what is left out, in gitignore's syntax.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "midair/error.h"

namespace midair {

enum class IgnoreVerdict { leave_out, take };

/// The patterns of one file. Bytes are compared, not characters, as git does.
class IgnoreRules {
 public:
  /// One pattern on each line. Errc::bad_input names `subject` and the line, of all lines that are wrong: where git
  /// would ignore a pattern without a word, because it can't match anything, it is refused.
  [[nodiscard]] static Result<IgnoreRules> parse(std::string_view text, const std::string& subject);

  /// Adds one pattern. Errors as of parse(), or if it is empty or a comment.
  [[nodiscard]] Result<void> add(const std::string& pattern, const std::string& subject);

  /// What the last pattern says that matches `name`, which is relative to the directory that the patterns are for.
  /// Nothing if none does. What lies below a directory that is left out need not be asked for: it is left out.
  [[nodiscard]] std::optional<IgnoreVerdict> judge(std::string_view name, bool is_directory) const;

 private:
  struct Pattern {
    IgnoreVerdict verdict = IgnoreVerdict::leave_out;
    bool only_directories = false;
    bool at_any_depth = false;            ///< one component that the last one of a name is compared with
    std::vector<std::string> components;  ///< for fnmatch(3); "**" is any number of them

    static Result<std::optional<Pattern>> parse(std::string line);
    [[nodiscard]] bool matches(const std::vector<std::string>& name) const;
  };

  std::vector<Pattern> patterns_;
};

}  // namespace midair
