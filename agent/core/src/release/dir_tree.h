/// @file
/// A directory tree that is only ever entered by descriptor, component by component, never through a symbolic link.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "midair/error.h"
#include "midair/fd.h"
#include "midair/release/manifest.h"

namespace midair {

/// "a/b" of "a/b/c", "" of "c".
[[nodiscard]] std::string_view directory_of(std::string_view name);

/// Whatever another process does with links below the root meanwhile, nothing outside is touched: each component is
/// opened relative to its parent's descriptor with O_NOFOLLOW. Names must satisfy check_entry_name(). Not thread-safe.
class DirTree {
 public:
  /// Errc::bad_input if `root` is not a directory.
  [[nodiscard]] static Result<DirTree> open(const std::filesystem::path& root);

  /// Errc::bad_input if there is anything below the root.
  [[nodiscard]] Result<void> check_empty();

  /// Creates the file with that mode, whatever the umask, and its missing parents (0755). Errc::io if it exists.
  [[nodiscard]] Result<Fd> create_file(const std::string& name, mode_t mode);
  /// Creates the directory and its missing parents; they may exist. It then has that mode.
  [[nodiscard]] Result<void> create_directory(const std::string& name, mode_t mode);
  /// Creates the symbolic link and its missing parents. Errc::io if there is anything of that name. Nothing is created
  /// below or over a link afterwards: it is never followed.
  [[nodiscard]] Result<void> create_link(const std::string& name, const std::string& target);

  /// Opens a regular file for reading.
  [[nodiscard]] Result<Fd> open_file(const std::string& name);
  /// The mode of a directory, type included.
  [[nodiscard]] Result<mode_t> mode_of_directory(const std::string& name);
  /// Where a symbolic link leads.
  [[nodiscard]] Result<std::string> read_link(const std::string& name);

  /// Makes `files` and `directories` of the tree survive a power cut, and every directory that leads to them.
  [[nodiscard]] Result<void> sync(const std::vector<std::string_view>& files,
                                  const std::vector<std::string_view>& directories);

 private:
  enum class Missing { create, fail };
  struct OpenDir {
    std::string name;
    Fd fd;
  };

  DirTree(std::filesystem::path root, Fd fd) : root_(std::move(root)), root_fd_(std::move(fd)) {}
  Result<void> sync_each(const std::vector<std::string_view>& files, const std::vector<std::string_view>& directories);
  Result<int> enter(std::string_view directory, Missing missing);
  Result<void> enter_child(const std::string& name, Missing missing);
  [[nodiscard]] int innermost() const { return open_.empty() ? root_fd_.get() : open_.back().fd.get(); }
  [[nodiscard]] Error failed(const char* op, std::string_view name) const;

  std::filesystem::path root_;
  Fd root_fd_;
  std::vector<OpenDir> open_;  ///< the chain that was entered last; neighbours in an archive share most of it
};

}  // namespace midair
