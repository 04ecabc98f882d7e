#include "swap/saved_state.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include "midair/digest.h"
#include "midair/durable_file.h"
#include "midair/log.h"

namespace midair::sidecar {
namespace fs = std::filesystem;

namespace {

constexpr const char* kSharedMemory = "/dev/shm";

/// Names the state directory, which only one sidecar holds at a time: what else bears it is a dead one's.
std::string prefix_of(const StateDir& dir) {
  return "midair-state-" + sha256_hex(dir.root().string()).substr(0, 16) + "-";
}

bool is_memory_with(std::uint64_t room) {
  struct statfs info {};
  return ::statfs(kSharedMemory, &info) == 0 && info.f_type == TMPFS_MAGIC && ::access(kSharedMemory, W_OK) == 0 &&
         info.f_bavail * static_cast<std::uint64_t>(info.f_bsize) >= room;
}

Error not_sound(const fs::path& path, std::string cause) {
  return {Errc::corrupt, "use the exported state in", path.string(), std::move(cause)};
}

}  // namespace

Result<SavedState> SavedState::create(const StateDir& dir, uid_t owner, std::uint64_t room) {
  static unsigned count = 0;
  const fs::path place = is_memory_with(room) ? fs::path(kSharedMemory) : dir.root();
  const fs::path path = place / (prefix_of(dir) + std::to_string(::getpid()) + "-" + std::to_string(++count));
  MIDAIR_TRY_ASSIGN(Fd file, open_file(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW));
  SavedState state(std::move(file), path);
  if (owner != ::geteuid() && ::fchown(state.file_.get(), owner, static_cast<gid_t>(-1)) != 0)
    return system_error(errno, "give to the app's user", path.string());
  return state;
}

SavedState& SavedState::operator=(SavedState&& other) noexcept {
  std::swap(file_, other.file_);
  std::swap(path_, other.path_);
  std::swap(schema_, other.schema_);
  std::swap(bytes_, other.bytes_);
  std::swap(sealed_at_, other.sealed_at_);
  std::swap(from_, other.from_);
  return *this;
}

SavedState::~SavedState() {
  if (file_) ::unlink(path_.c_str());
}

Result<void> SavedState::seal(std::string schema, std::uint64_t bytes, ReleaseRef from) {
  struct stat info {};
  if (::fchmod(file_.get(), 0400) != 0 || ::fstat(file_.get(), &info) != 0)
    return system_error(errno, "seal", path_.string());
  if (static_cast<std::uint64_t>(info.st_size) != bytes)
    return not_sound(path_, "the app says that it wrote " + std::to_string(bytes) + " bytes, the file has " +
                                std::to_string(info.st_size));
  schema_ = std::move(schema);
  bytes_ = bytes;
  sealed_at_ = info.st_mtim;
  from_ = std::move(from);
  return check_same_file();
}

Result<void> SavedState::give_to(uid_t reader) {
  MIDAIR_TRY(check_same_file());
  if (reader != ::geteuid() && ::fchown(file_.get(), reader, static_cast<gid_t>(-1)) != 0)
    return system_error(errno, "give to the app's user", path_.string());
  return {};
}

Result<void> SavedState::check_same_file() const {
  struct stat ours {};
  struct stat there {};
  if (::fstat(file_.get(), &ours) != 0 || ::lstat(path_.c_str(), &there) != 0)
    return system_error(errno, "look at", path_.string());
  if (ours.st_dev != there.st_dev || ours.st_ino != there.st_ino)
    return not_sound(path_, "the app replaced the file instead of writing into it");
  const bool touched = ours.st_mtim.tv_sec != sealed_at_.tv_sec || ours.st_mtim.tv_nsec != sealed_at_.tv_nsec;
  if (touched || static_cast<std::uint64_t>(ours.st_size) != bytes_)
    return not_sound(path_, "it was changed after it was exported");
  return {};
}

Result<void> remove_saved_states(const StateDir& dir) {
  const std::string prefix = prefix_of(dir);
  for (const fs::path& place : {fs::path(kSharedMemory), dir.root()}) {
    std::error_code error;
    for (fs::directory_iterator entry(place, error); !error && entry != fs::end(entry); entry.increment(error))
      if (entry->path().filename().string().starts_with(prefix) && ::unlink(entry->path().c_str()) != 0)
        return system_error(errno, "remove", entry->path().string());
  }
  return {};
}

}  // namespace midair::sidecar
