#include "midair/durable_file.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>

#include <atomic>
#include <cerrno>

namespace midair {
namespace fs = std::filesystem;

namespace {

fs::path temporary_beside(const fs::path& path) {
  static std::atomic<unsigned> counter{0};
  fs::path temporary = path;
  temporary += ".tmp-" + std::to_string(::getpid()) + "-" + std::to_string(counter++);
  return temporary;
}

fs::path directory_of(const fs::path& path) { return path.has_parent_path() ? path.parent_path() : fs::path("."); }

Result<void> sync_fd(int fd, const fs::path& path) {
  // After a failed fsync the kernel may have dropped the dirty pages: never retry it as if nothing happened.
  if (::fsync(fd) != 0) return system_error(errno, "flush", path.string());
  return {};
}

Result<void> write_and_sync(const fs::path& path, std::string_view bytes, mode_t mode) {
  MIDAIR_TRY_ASSIGN(Fd fd, open_file(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode));
  MIDAIR_TRY(write_all(fd.get(), bytes, path.string()));
  return sync_fd(fd.get(), path);
}

Result<void> rename_durably(const fs::path& from, const fs::path& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) {
    const int err = errno;
    ::unlink(from.c_str());
    return system_error(err, "replace", to.string());
  }
  return sync_path(directory_of(to));
}

const char* kind_of(mode_t mode) {
  if (S_ISDIR(mode)) return "a directory";
  if (S_ISFIFO(mode)) return "a fifo";
  return S_ISCHR(mode) || S_ISBLK(mode) ? "a device" : "a socket";
}

}  // namespace

void survive_file_size_limit() noexcept {
  struct sigaction action {};
  action.sa_handler = [](int) {};  // not SIG_IGN, which programs that we run would inherit
  action.sa_flags = SA_RESTART;
  ::sigaction(SIGXFSZ, &action, nullptr);
}

Result<Fd> open_file(const fs::path& path, int flags, mode_t mode) {
  int fd = -1;
  do {
    fd = ::open(path.c_str(), flags | O_CLOEXEC, mode);
  } while (fd < 0 && errno == EINTR);
  if (fd < 0) return system_error(errno, "open", path.string());
  return Fd(fd);
}

Result<Fd> open_regular_file(const fs::path& path) {
  MIDAIR_TRY_ASSIGN(Fd fd, open_file(path, O_RDONLY | O_NONBLOCK | O_NOCTTY));
  struct stat status {};
  if (::fstat(fd.get(), &status) != 0) return system_error(errno, "look at", path.string());
  if (!S_ISREG(status.st_mode))
    return Error{Errc::bad_input, "read", path.string(), std::string("it is ") + kind_of(status.st_mode) + ", no file"};
  return fd;
}

Result<std::string> read_file(const fs::path& path, std::uint64_t max_bytes) {
  MIDAIR_TRY_ASSIGN(const Fd fd, open_regular_file(path));
  return read_all(fd.get(), max_bytes, path.string());
}

Result<std::string> read_all(int fd, std::uint64_t max_bytes, const std::string& subject) {
  std::string content;
  char buffer[16384];
  for (;;) {
    const ssize_t n = ::read(fd, buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return system_error(errno, "read", subject);
    if (n == 0) return content;
    content.append(buffer, static_cast<std::size_t>(n));
    if (content.size() > max_bytes)
      return Error{Errc::corrupt, "read", subject, "longer than " + std::to_string(max_bytes) + " bytes"};
  }
}

Result<void> write_all(int fd, std::string_view bytes, const std::string& subject) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return system_error(errno, "write", subject);
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return {};
}

Result<void> write_file_durably(const fs::path& path, std::string_view bytes, mode_t mode) {
  const fs::path temporary = temporary_beside(path);
  if (auto written = write_and_sync(temporary, bytes, mode); !written) {
    ::unlink(temporary.c_str());
    return written;
  }
  return rename_durably(temporary, path);
}

Result<void> replace_symlink_durably(const fs::path& link, const std::string& target) {
  const fs::path temporary = temporary_beside(link);
  if (::symlink(target.c_str(), temporary.c_str()) != 0) return system_error(errno, "link", temporary.string());
  return rename_durably(temporary, link);
}

Result<void> remove_file_durably(const fs::path& path) {
  if (::unlink(path.c_str()) != 0) {
    if (errno == ENOENT) return {};
    return system_error(errno, "remove", path.string());
  }
  return sync_path(directory_of(path));
}

Result<void> sync_path(const fs::path& path) {
  MIDAIR_TRY_ASSIGN(Fd fd, open_file(path, O_RDONLY));
  return sync_fd(fd.get(), path);
}

Result<void> make_private_dir(const fs::path& path) {
  std::error_code error;
  if (path.has_parent_path()) fs::create_directories(path.parent_path(), error);
  if (error) return system_error(error.value(), "create the directory", path.parent_path().string());
  if (::mkdir(path.c_str(), 0700) == 0) return sync_path(directory_of(path));
  if (errno != EEXIST) return system_error(errno, "create the directory", path.string());
  if (!fs::is_directory(path, error)) return system_error(ENOTDIR, "use the directory", path.string());
  return {};
}

}  // namespace midair
