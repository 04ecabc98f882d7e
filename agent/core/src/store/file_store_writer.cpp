#include "store/file_store_writer.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <string_view>
#include <thread>

#include "store/file_tree.h"
#include "store/flock_holder.h"

namespace midair {

namespace {

constexpr const char* kLockName = "lock";
constexpr std::string_view kTemporaryPrefix = "tmp-";
/// Between two tries for the lock; it is held for a rename and an fsync.
constexpr std::chrono::milliseconds kLockPause{2};

bool is_earlier(const timespec& a, const timespec& b) {
  return a.tv_sec < b.tv_sec || (a.tv_sec == b.tv_sec && a.tv_nsec < b.tv_nsec);
}

timespec just_after(timespec time) {
  if (++time.tv_nsec == 1'000'000'000) return {time.tv_sec + 1, 0};
  return time;
}

bool set_modification_time(int fd, const timespec& time) {
  const timespec times[2] = {time, time};
  return ::futimens(fd, times) == 0;
}

void remove_if_abandoned(int hidden, const std::string& name) {
  const Fd file(::openat(hidden, name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (file && ::flock(file.get(), LOCK_EX | LOCK_NB) == 0) ::unlinkat(hidden, name.c_str(), 0);
}

/// A wait that ended; a deadline that passed names who is to blame.
Error gave_up(Error error, int lock) {
  const auto holder = error.code == Errc::timeout ? flock_holder(lock) : "";
  if (holder.empty()) return error;
  error.cause = holder + " held its lock until the deadline of the whole call passed";
  error.hint = "let that process go on (kill -CONT), or end it";
  return error;
}

/// Under the store's lock, so that no file is met between its creation and its writer's flock.
Result<void> remove_abandoned_files(int hidden) {
  return for_each_file_below(hidden, "", [hidden](const std::string& path, const struct stat&) -> Result<void> {
    if (path.starts_with(kTemporaryPrefix)) remove_if_abandoned(hidden, path);
    return {};
  });
}

}  // namespace

Result<StoreLock> StoreLock::take(int hidden, const CallTimer& timer) {
  Fd fd(::openat(hidden, kLockName, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!fd) return system_error(errno, "open", "the store's lock file");
  while (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK && errno != EINTR) return system_error(errno, "lock", "the store");
    if (const auto waiting = timer.check("lock", "the store"); !waiting.ok()) return gave_up(waiting.error(), fd.get());
    std::this_thread::sleep_for(kLockPause);
  }
  return StoreLock(std::move(fd));
}

Result<void> StoreLock::stamp(int file) const {
  struct stat last {};
  timespec now{};
  if (::fstat(fd_.get(), &last) != 0 || ::clock_gettime(CLOCK_REALTIME, &now) != 0)
    return system_error(errno, "read the time of", "the store's lock file");
  const timespec version = is_earlier(last.st_mtim, now) ? now : just_after(last.st_mtim);
  if (!set_modification_time(fd_.get(), version) || !set_modification_time(file, version))
    return system_error(errno, "set the time of", "the new object");
  struct stat stamped {};
  if (::fstat(file, &stamped) != 0) return system_error(errno, "read the time of", "the new object");
  if (stamped.st_mtim.tv_sec != version.tv_sec || stamped.st_mtim.tv_nsec != version.tv_nsec)
    return Error{Errc::refused, "store", "the new object", "this file system keeps no times in nanoseconds",
                 "put the store on ext4 (256-byte inodes), xfs, btrfs or tmpfs"};
  return {};
}

Result<TemporaryFile> TemporaryFile::create(int hidden, const CallTimer& timer) {
  static std::atomic<unsigned> counter{0};
  MIDAIR_TRY_ASSIGN(const StoreLock lock, StoreLock::take(hidden, timer));
  MIDAIR_TRY(remove_abandoned_files(hidden));
  for (;;) {
    std::string name = std::string(kTemporaryPrefix) + std::to_string(::getpid()) + "-" + std::to_string(counter++);
    Fd fd(::openat(hidden, name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!fd && errno == EEXIST) continue;  // another container's process with the same id
    if (!fd) return system_error(errno, "create", "a temporary file in the store");
    if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) return system_error(errno, "lock", "a temporary file in the store");
    return TemporaryFile(hidden, std::move(name), std::move(fd));
  }
}

TemporaryFile::TemporaryFile(TemporaryFile&& other) noexcept
    : hidden_(other.hidden_), name_(std::exchange(other.name_, {})), fd_(std::move(other.fd_)) {}

TemporaryFile::~TemporaryFile() {
  if (!name_.empty()) ::unlinkat(hidden_, name_.c_str(), 0);
}

Result<void> TemporaryFile::move_to(int directory, const std::string& name) {
  if (::renameat(hidden_, name_.c_str(), directory, name.c_str()) != 0) {
    if (errno == EISDIR || errno == ENAMETOOLONG)
      return Error{Errc::bad_input, "store", name,
                   errno == EISDIR ? "a directory has that name" : "the name is longer than the file system allows"};
    return system_error(errno, "store", name);
  }
  name_.clear();
  if (::fsync(directory) != 0) return system_error(errno, "flush the directory of", name);
  return {};
}

}  // namespace midair
