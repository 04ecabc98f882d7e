#include "store/file_tree.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace midair {

namespace {

constexpr int kDirectory = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;

/// Takes the first segment off `path`.
std::string next_segment(std::string_view& path) {
  const std::size_t end = std::min(path.find('/'), path.size());
  std::string segment(path.substr(0, end));
  path.remove_prefix(std::min(end + 1, path.size()));
  return segment;
}

Result<Fd> open_here(int directory, const std::string& name) {
  const int fd = ::openat(directory, name.c_str(), kDirectory);
  if (fd >= 0) return Fd(fd);
  const int err = errno;
  if (err == ENOTDIR || err == ELOOP) return Error{Errc::not_found, "open", name, "it is not a directory"};
  return system_error(err, "open the directory", name);
}

Result<void> create_here(int directory, const std::string& name) {
  if (::mkdirat(directory, name.c_str(), 0700) == 0) {
    if (::fsync(directory) != 0) return system_error(errno, "flush the directory above", name);
    return {};
  }
  if (errno == EEXIST) return {};
  if (errno == ENAMETOOLONG)
    return Error{Errc::bad_input, "create the directory", name, "the name is longer than the file system allows"};
  return system_error(errno, "create the directory", name);
}

using Directory = std::unique_ptr<DIR, int (*)(DIR*)>;

Result<Directory> read_directory(Fd fd, const std::string& path) {
  DIR* stream = ::fdopendir(fd.get());
  if (stream == nullptr) return system_error(errno, "list", path);
  [[maybe_unused]] const int owned_by_stream = fd.release();
  return Directory(stream, ::closedir);
}

}  // namespace

Result<Fd> open_directory_below(int root, std::string_view path) {
  MIDAIR_TRY_ASSIGN(Fd here, open_here(root, "."));
  while (!path.empty()) {
    MIDAIR_TRY_ASSIGN(here, open_here(here.get(), next_segment(path)));
  }
  return here;
}

Result<Fd> create_directory_below(int root, std::string_view path) {
  MIDAIR_TRY_ASSIGN(Fd here, open_here(root, "."));
  while (!path.empty()) {
    const std::string name = next_segment(path);
    MIDAIR_TRY(create_here(here.get(), name));
    auto next = open_here(here.get(), name);
    if (!next && next.error().code == Errc::not_found)
      return Error{Errc::bad_input, "create the directory", name, "something else has that name",
                   "choose keys so that none is a directory of another"};
    MIDAIR_TRY_ASSIGN(here, std::move(next));
  }
  return here;
}

void remove_empty_directories_below(int root, std::string_view path) {
  while (!path.empty()) {
    const auto slash = path.rfind('/');
    const std::string_view parent = slash == std::string_view::npos ? "" : path.substr(0, slash);
    const std::string name(slash == std::string_view::npos ? path : path.substr(slash + 1));
    const auto directory = open_directory_below(root, parent);
    if (!directory || ::unlinkat(directory->get(), name.c_str(), AT_REMOVEDIR) != 0) return;
    path = parent;
  }
}

Result<std::optional<struct stat>> regular_file_in(int directory, const std::string& name) {
  struct stat status {};
  if (::fstatat(directory, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) {
    if (errno == ENOENT || errno == ENAMETOOLONG) return std::optional<struct stat>();
    return system_error(errno, "find", name);
  }
  if (!S_ISREG(status.st_mode)) return std::optional<struct stat>();
  return std::optional(status);
}

Result<void> for_each_file_below(int root, const std::string& path,
                                 const std::function<Result<void>(std::string path, const struct stat&)>& visit) {
  auto opened = open_directory_below(root, path);
  if (!opened && opened.error().code == Errc::not_found) return {};
  MIDAIR_TRY_ASSIGN(Fd fd, std::move(opened));
  MIDAIR_TRY_ASSIGN(const Directory directory, read_directory(std::move(fd), path));
  errno = 0;
  while (const dirent* entry = ::readdir(directory.get())) {
    const std::string name = entry->d_name;
    if (name == "." || name == "..") continue;
    std::string below = path;
    if (!below.empty()) below += '/';
    below += name;
    struct stat status {};
    // What vanished meanwhile is not an error: others write and remove while we list.
    if (::fstatat(::dirfd(directory.get()), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) continue;
    if (S_ISDIR(status.st_mode)) MIDAIR_TRY(for_each_file_below(root, below, visit));
    if (S_ISREG(status.st_mode)) MIDAIR_TRY(visit(below, status));
    errno = 0;
  }
  if (errno != 0) return system_error(errno, "list", path);
  return {};
}

}  // namespace midair
