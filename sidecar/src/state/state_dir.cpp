#include "state/state_dir.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>
#include <system_error>
#include <vector>

#include "loop/socket_path.h"
#include "midair/digest.h"
#include "midair/durable_file.h"
#include "state/tree.h"

namespace midair::sidecar {
namespace fs = std::filesystem;

namespace {

constexpr std::string_view kTemporaryMark = ".tmp-";  // as durable_file.h and the stager name what isn't complete
constexpr std::array<std::string_view, 6> kFiles{"marker.json", "journal.json", "attempts.json",
                                                 "current",     "sessions",     "probe"};
constexpr std::string_view kNotifyPrefix = "notify-";
constexpr std::string_view kAppPrefix = "app-";
constexpr std::string_view kSocketSuffix = ".sock";

/// An app that gives up its privileges must still reach its release, so the way there may be passed, but not listed.
constexpr mode_t kPrivate = 0700;
constexpr mode_t kPassable = 0711;

Result<void> make_directory(const fs::path& directory, mode_t mode) {
  MIDAIR_TRY(make_private_dir(directory));
  if (::chmod(directory.c_str(), mode) != 0) return system_error(errno, "set the mode of", directory.string());
  return {};
}

Error held_by_another(const fs::path& root, const fs::path& lock) {
  Error error{Errc::refused, "use the state directory", root.string(), "another midair-sidecar holds it"};
  const auto pid = read_file(lock, 32);
  const std::string who = pid && !pid->empty() ? "process " + *pid : "the other process";
  error.hint = "stop " + who + ", or give this one another directory with --state-dir";
  return error;
}

Result<void> hold(int lock, const fs::path& root, const fs::path& path) {
  struct stat status {};
  if (::fstat(lock, &status) != 0) return system_error(errno, "inspect", path.string());
  if (!S_ISREG(status.st_mode)) return Error{Errc::bad_input, "lock", path.string(), "it is no file"};
  if (::flock(lock, LOCK_EX | LOCK_NB) == 0) return {};
  if (errno == EWOULDBLOCK) return held_by_another(root, path);
  return system_error(errno, "lock", path.string());
}

/// Where nothing can be written: the lock that is there already. None if there is none, or not for us.
Result<Fd> take_lock_as_it_is(const fs::path& root) {
  const fs::path path = root / "lock";
  auto lock = open_file(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  if (!lock) return Fd();
  if (auto held = hold(lock->get(), root, path); !held)
    return held.error().code == Errc::refused ? Result<Fd>(std::move(held).error()) : Fd();
  return lock;
}

/// Takes the lock and leaves our pid in it, which also proves that something can be written here.
Result<Fd> take_lock(const fs::path& root) {
  const fs::path path = root / "lock";
  MIDAIR_TRY_ASSIGN(Fd lock, open_file(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK));
  MIDAIR_TRY(hold(lock.get(), root, path));
  if (::ftruncate(lock.get(), 0) != 0) return system_error(errno, "write", path.string());
  MIDAIR_TRY(write_all(lock.get(), std::to_string(::getpid()), path.string()));
  return lock;
}

Result<void> prepare_directories(const fs::path& root) {
  MIDAIR_TRY(make_directory(root / "incoming", kPrivate));
  return make_directory(root / "releases", kPassable);
}

Result<Fd> prepare(const fs::path& root) {
  MIDAIR_TRY(make_directory(root, kPassable));
  MIDAIR_TRY_ASSIGN(Fd lock, take_lock(root));
  MIDAIR_TRY(prepare_directories(root));
  return lock;
}

bool is_private_directory(const fs::path& path) {
  struct stat status {};
  return ::lstat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode) && status.st_uid == ::geteuid() &&
         (status.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

std::optional<fs::path> make_stand_in(const fs::path& root) {
  for (const fs::path& place : StateDir::stand_ins(root)) {
    const bool there = ::mkdir(place.c_str(), kPassable) == 0 || errno == EEXIST;
    if (there && is_private_directory(place) && ::chmod(place.c_str(), kPassable) == 0) return place;
  }
  return std::nullopt;
}

/// The paths in `directory` whose names satisfy `wanted`; listed before anything is removed.
template <class Wanted>
Result<std::vector<fs::path>> entries(const fs::path& directory, Wanted wanted) {
  std::vector<fs::path> found;
  std::error_code error;
  fs::directory_iterator entry(directory, error);
  for (; !error && entry != fs::end(entry); entry.increment(error))
    if (wanted(entry->path().filename().string())) found.push_back(entry->path());
  if (error) return system_error(error.value(), "list", directory.string());
  return found;
}

bool is_temporary(const std::string& name) { return name.find(kTemporaryMark) != std::string::npos; }

/// Directly in the state directory others may have files.
bool is_temporary_of_ours(const std::string& name) {
  return std::ranges::any_of(
      kFiles, [&](std::string_view file) { return name.starts_with(std::string(file) + std::string(kTemporaryMark)); });
}

std::string socket_name(std::string_view prefix, std::uint64_t generation) {
  return std::string(prefix) + std::to_string(generation) + std::string(kSocketSuffix);
}

bool is_socket_of_a_generation(const std::string& name) {
  return (name.starts_with(kNotifyPrefix) || name.starts_with(kAppPrefix)) && name.ends_with(kSocketSuffix);
}

}  // namespace

Result<StateDir> StateDir::open(const fs::path& path) {
  std::error_code error;
  const fs::path root = fs::absolute(path, error).lexically_normal();
  if (error) return system_error(error.value(), "use the state directory", path.string());
  auto lock = prepare(root);
  if (lock) return StateDir(root, root, std::move(lock).value(), {});
  Error failure = std::move(lock).error();
  if (failure.code == Errc::refused) return failure;
  if (failure.hint.empty()) failure.hint = "give a directory that this user can write with --state-dir";
  MIDAIR_TRY_ASSIGN(Fd old_lock, take_lock_as_it_is(root));
  const auto place = make_stand_in(root);
  if (!place) return failure;
  return StateDir(root, *place, std::move(old_lock), failure);
}

std::vector<fs::path> StateDir::stand_ins(const fs::path& root) {
  const std::string name = "midair-" + sha256_hex(root.string()).substr(0, 16);
  return {fs::path("/run") / name, fs::path("/tmp") / name, fs::path("/dev/shm") / name};
}

Result<void> StateDir::check_writable() const {
  if (!lock_) return *failure_;
  const fs::path probe = root_ / "probe";
  auto written = prepare_directories(root_);
  if (written) written = write_file_durably(probe, "x");
  if (written) written = remove_file_durably(probe);
  if (written) return {};
  Error error = std::move(written).error();
  error.hint += error.hint.empty() ? "give another directory with --state-dir" : ", or give another with --state-dir";
  return error;
}

fs::path StateDir::notify_socket(std::uint64_t generation) const {
  return sockets_ / socket_name(kNotifyPrefix, generation);
}

fs::path StateDir::app_socket(std::uint64_t generation) const { return sockets_ / socket_name(kAppPrefix, generation); }

Result<void> StateDir::clean_leftovers() const {
  MIDAIR_TRY_ASSIGN(auto leftovers, entries(root_, is_temporary_of_ours));
  for (const fs::path& directory : {incoming(), releases()}) {
    MIDAIR_TRY_ASSIGN(const auto more, entries(directory, is_temporary));
    leftovers.insert(leftovers.end(), more.begin(), more.end());
  }
  for (const fs::path& leftover : leftovers) MIDAIR_TRY(remove_tree(leftover));
  MIDAIR_TRY_ASSIGN(const auto sockets, entries(root_, is_socket_of_a_generation));
  for (const fs::path& socket : sockets)
    if (auto removed = remove_dead_socket(socket); !removed && removed.error().code != Errc::refused) return removed;
  return {};
}

Result<void> StateDir::collect_garbage(const std::set<std::string>& keep_digests) const {
  MIDAIR_TRY_ASSIGN(const auto garbage, entries(releases(), [&](const std::string& name) {
                      return is_sha256_hex(name) && !keep_digests.contains(name);
                    }));
  for (const fs::path& release : garbage) {
    fs::path doomed = release;
    doomed += std::string(kTemporaryMark) + "removed";
    MIDAIR_TRY(remove_tree(doomed));
    if (::rename(release.c_str(), doomed.c_str()) != 0) return system_error(errno, "remove", release.string());
    MIDAIR_TRY(sync_path(releases()));
    MIDAIR_TRY(remove_tree(doomed));
    MIDAIR_TRY(remove_tree(fresh_places(release.filename().string())));
  }
  return {};
}

Result<void> StateDir::point_current_at(const fs::path& release_dir) const {
  // Relative where possible: the link stays right if the volume is mounted elsewhere next time.
  const bool inside = release_dir.parent_path() == releases();
  return replace_symlink_durably(current(), inside ? release_dir.lexically_relative(root_) : release_dir);
}

}  // namespace midair::sidecar
