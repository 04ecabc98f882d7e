#include "release/dir_tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <memory>
#include <set>

#include "midair/durable_file.h"

namespace midair {

namespace fs = std::filesystem;

namespace {

constexpr mode_t kDirMode = 0755;

/// Up to this many files are flushed one by one, so that nobody else's data is waited for. But each costs a flush of
/// the disk's cache (measured on ext4: 3,000 files in 11 s), so beyond it the whole file system is flushed (0.1 s).
constexpr std::size_t kMaxFsyncs = 64;

struct DirCloser {
  void operator()(DIR* dir) const noexcept { ::closedir(dir); }
};

std::string last_of(std::string_view name) { return std::string(name.substr(name.rfind('/') + 1)); }

std::vector<std::string> components_of(std::string_view name) {
  std::vector<std::string> components;
  while (!name.empty()) {
    const std::size_t end = std::min(name.find('/'), name.size());
    components.emplace_back(name.substr(0, end));
    name.remove_prefix(std::min(end + 1, name.size()));
  }
  return components;
}

}  // namespace

std::string_view directory_of(std::string_view name) {
  const std::size_t slash = name.rfind('/');
  return slash == std::string_view::npos ? std::string_view() : name.substr(0, slash);
}

Result<DirTree> DirTree::open(const fs::path& root) {
  auto fd = midair::open_file(root, O_RDONLY | O_DIRECTORY);
  if (fd) return DirTree(root, std::move(fd).value());
  if (fd.error().sys != ENOENT && fd.error().sys != ENOTDIR) return std::move(fd).error();
  return Error{Errc::bad_input, "use the directory", root.string(), "there is none"};
}

Result<void> DirTree::check_empty() {
  Fd copy(::openat(root_fd_.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));  // readdir moves the offset
  if (!copy) return failed("open", {});
  const std::unique_ptr<DIR, DirCloser> dir(::fdopendir(copy.get()));
  if (!dir) return failed("read", {});
  [[maybe_unused]] const int owned_by_dir = copy.release();
  while (const dirent* entry = ::readdir(dir.get())) {
    const std::string_view name(entry->d_name);
    if (name != "." && name != "..")
      return Error{Errc::bad_input, "use the directory", root_.string(), "it is not empty"};
  }
  return {};
}

Result<Fd> DirTree::create_file(const std::string& name, mode_t mode) {
  MIDAIR_TRY_ASSIGN(const int directory, enter(directory_of(name), Missing::create));
  Fd fd(::openat(directory, last_of(name).c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode));
  if (!fd) return failed("create", name);
  if (::fchmod(fd.get(), mode) != 0) return failed("set the mode of", name);
  return fd;
}

Result<void> DirTree::create_directory(const std::string& name, mode_t mode) {
  MIDAIR_TRY_ASSIGN(const int directory, enter(name, Missing::create));
  if (::fchmod(directory, mode) != 0) return failed("set the mode of", name);
  return {};
}

Result<void> DirTree::create_link(const std::string& name, const std::string& target) {
  MIDAIR_TRY_ASSIGN(const int directory, enter(directory_of(name), Missing::create));
  if (::symlinkat(target.c_str(), directory, last_of(name).c_str()) != 0) return failed("create the link", name);
  return {};
}

Result<Fd> DirTree::open_file(const std::string& name) {
  MIDAIR_TRY_ASSIGN(const int directory, enter(directory_of(name), Missing::fail));
  // Without O_NONBLOCK the open itself would wait for the writer of a fifo.
  Fd fd(::openat(directory, last_of(name).c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  if (!fd) return failed("open", name);
  struct stat status {};
  if (::fstat(fd.get(), &status) != 0) return failed("inspect", name);
  if (!S_ISREG(status.st_mode))
    return Error{Errc::refused, "open", (root_ / name).string(), "it is not a regular file"};
  return fd;
}

Result<mode_t> DirTree::mode_of_directory(const std::string& name) {
  MIDAIR_TRY_ASSIGN(const int directory, enter(name, Missing::fail));
  struct stat status {};
  if (::fstat(directory, &status) != 0) return failed("inspect", name);
  return status.st_mode;
}

Result<std::string> DirTree::read_link(const std::string& name) {
  MIDAIR_TRY_ASSIGN(const int directory, enter(directory_of(name), Missing::fail));
  std::string target(PATH_MAX, '\0');
  const ssize_t length = ::readlinkat(directory, last_of(name).c_str(), target.data(), target.size());
  if (length < 0 && errno == EINVAL)
    return Error{Errc::refused, "read the link", (root_ / name).string(), "it is not a symbolic link"};
  if (length < 0) return failed("read the link", name);
  target.resize(static_cast<std::size_t>(length));
  return target;
}

Result<void> DirTree::sync(const std::vector<std::string_view>& files,
                           const std::vector<std::string_view>& directories) {
  if (files.size() + directories.size() <= kMaxFsyncs) return sync_each(files, directories);
  if (::syncfs(root_fd_.get()) != 0) return failed("flush", {});
  return {};
}

/// The files, then the directories bottom-up.
Result<void> DirTree::sync_each(const std::vector<std::string_view>& files,
                                const std::vector<std::string_view>& directories) {
  std::set<std::string_view> all;
  const auto add = [&all](std::string_view dir) {
    for (; !dir.empty() && all.insert(dir).second;) dir = directory_of(dir);
  };
  for (const std::string_view name : files) {
    MIDAIR_TRY_ASSIGN(const Fd fd, open_file(std::string(name)));
    if (::fsync(fd.get()) != 0) return failed("flush", name);
    add(directory_of(name));
  }
  std::ranges::for_each(directories, add);
  for (auto dir = all.rbegin(); dir != all.rend(); ++dir) {  // what lies below sorts later
    MIDAIR_TRY_ASSIGN(const int fd, enter(*dir, Missing::fail));
    if (::fsync(fd) != 0) return failed("flush", *dir);
  }
  if (::fsync(root_fd_.get()) != 0) return failed("flush", {});
  return {};
}

Result<int> DirTree::enter(std::string_view directory, Missing missing) {
  std::size_t depth = 0;
  for (const std::string& component : components_of(directory)) {
    if (depth >= open_.size() || open_[depth].name != component) {
      open_.resize(depth);
      MIDAIR_TRY(enter_child(component, missing));
    }
    ++depth;
  }
  open_.resize(depth);
  return innermost();
}

Result<void> DirTree::enter_child(const std::string& name, Missing missing) {
  const int parent = innermost();
  const bool created = missing == Missing::create && ::mkdirat(parent, name.c_str(), kDirMode) == 0;
  if (missing == Missing::create && !created && errno != EEXIST) return failed("create the directory", name);
  Fd fd(::openat(parent, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!fd) return failed("enter the directory", name);
  if (created && ::fchmod(fd.get(), kDirMode) != 0) return failed("set the mode of", name);
  open_.push_back({name, std::move(fd)});
  return {};
}

Error DirTree::failed(const char* op, std::string_view name) const {
  return system_error(errno, op, name.empty() ? root_.string() : (root_ / name).string());
}

}  // namespace midair
