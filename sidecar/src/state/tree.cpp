#include "state/tree.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace midair::sidecar {
namespace fs = std::filesystem;

namespace {

Result<void> change_mode(const fs::path& path, mode_t mode) {
  if (::chmod(path.c_str(), mode) != 0) return system_error(errno, "change the mode of", path.string());
  return {};
}

/// Calls `visit` for all below `directory`, directories before what they hold.
template <class Visit>
Result<void> walk(const fs::path& directory, Visit visit) {
  std::error_code error;
  fs::recursive_directory_iterator entry(directory, error);
  for (; !error && entry != fs::end(entry); entry.increment(error)) MIDAIR_TRY(visit(*entry));
  if (error) return system_error(error.value(), "list", directory.string());
  return {};
}

}  // namespace

Result<void> seal_tree(const fs::path& directory) {
  MIDAIR_TRY(walk(directory, [](const fs::directory_entry& entry) -> Result<void> {
    if (entry.is_symlink()) return {};
    const auto mode = static_cast<mode_t>(entry.symlink_status().permissions());
    return change_mode(entry.path(), mode & 0555U);
  }));
  return change_mode(directory, 0555);
}

Result<void> give_tree(const fs::path& directory, const ReleaseOwner& owner) {
  const auto give = [&owner](const fs::path& path) -> Result<void> {
    if (::lchown(path.c_str(), owner.uid, owner.gid) == 0) return {};
    return system_error(errno, "change the owner of", path.string());
  };
  MIDAIR_TRY(walk(directory, [&give](const fs::directory_entry& entry) { return give(entry.path()); }));
  return give(directory);
}

Result<void> remove_tree(const fs::path& path) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0) {
    if (errno == ENOENT) return {};
    return system_error(errno, "remove", path.string());
  }
  if (S_ISDIR(status.st_mode)) {  // nothing can be removed from a sealed directory
    MIDAIR_TRY(change_mode(path, 0700));
    MIDAIR_TRY(walk(path, [](const fs::directory_entry& entry) -> Result<void> {
      if (entry.is_symlink() || !entry.is_directory()) return {};
      return change_mode(entry.path(), 0700);
    }));
  }
  std::error_code error;
  fs::remove_all(path, error);
  if (error) return system_error(error.value(), "remove", path.string());
  return {};
}

}  // namespace midair::sidecar
