/// @file
/// A directory tree that is only ever entered by descriptor, component by component, never through a symbolic link.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "midair/error.h"
#include "midair/fd.h"
#include "midair/release/manifest.h"

namespace midair {

/// Whatever another process does with links below the root meanwhile, nothing outside is touched: each component is
/// opened relative to its parent's descriptor with O_NOFOLLOW. Names must satisfy check_entry_name(). Not thread-safe.
class DirTree {
 public:
  /// Errc::bad_input if `root` is not a directory.
  [[nodiscard]] static Result<DirTree> open(const std::filesystem::path& root);

  /// Errc::bad_input if there is anything below the root.
  [[nodiscard]] Result<void> check_empty();

  /// Creates the file and its missing parents; mode 0755 or 0644 whatever the umask. Errc::io if it exists.
  [[nodiscard]] Result<Fd> create_file(const std::string& name, bool executable);
  /// Creates the directory and its missing parents, mode 0755. It may exist.
  [[nodiscard]] Result<void> create_directory(const std::string& name);
  /// Opens a regular file for reading.
  [[nodiscard]] Result<Fd> open_file(const std::string& name);

  /// Makes `names`, all files of the tree, survive a power cut, and every directory that leads to them.
  [[nodiscard]] Result<void> sync(const std::vector<std::string_view>& names);

 private:
  enum class Missing { create, fail };
  struct OpenDir {
    std::string name;
    Fd fd;
  };

  DirTree(std::filesystem::path root, Fd fd) : root_(std::move(root)), root_fd_(std::move(fd)) {}
  Result<void> sync_each(const std::vector<std::string_view>& names);
  Result<int> enter(std::string_view directory, Missing missing);
  Result<void> enter_child(const std::string& name, Missing missing);
  [[nodiscard]] int innermost() const { return open_.empty() ? root_fd_.get() : open_.back().fd.get(); }
  [[nodiscard]] Error failed(const char* op, std::string_view name) const;

  std::filesystem::path root_;
  Fd root_fd_;
  std::vector<OpenDir> open_;  ///< the chain that was entered last; neighbours in an archive share most of it
};

}  // namespace midair
