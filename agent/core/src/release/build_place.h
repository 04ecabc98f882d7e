/// @file
/// Scripts that only work in the directory in which they were made.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace midair {

/// Looks for `#!/home/me/app/.venv/bin/python` and its like: such a script asks for a program in the directory that is
/// being packed, which a machine doesn't have, or, worse, has in its base image. Not thread-safe.
class BuildPlace {
 public:
  /// So much of a file is looked at: its first lines, for where a path is too long for a "#!", pip and uv let the shell
  /// start it in the second.
  static constexpr std::size_t kBeginningBytes = 512;

  explicit BuildPlace(const std::filesystem::path& directory);

  /// `beginning`: of the file's content, kBeginningBytes unless it is shorter.
  void look_at(const std::string& path, std::string_view beginning);

  /// Which scripts name the directory, and what to do; empty if none does.
  [[nodiscard]] std::string notice() const;

 private:
  std::vector<std::string> names_;  ///< of the directory, each with a slash at its end
  std::vector<std::string> scripts_;
};

}  // namespace midair
