#include "release/writable_links.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <optional>
#include <system_error>
#include <utility>

#include "midair/durable_file.h"
#include "midair/foreign_text.h"
#include "state/tree.h"

namespace midair::sidecar {
namespace fs = std::filesystem;

namespace {

/// As in /tmp.
constexpr mode_t kOpenMode = 01777;
constexpr mode_t kDirectoryMode = 0755;

Error failed(const char* op, const fs::path& path, const std::error_code& error) {
  return system_error(error.value(), op, path.string());
}

Error refused(const fs::path& path, const std::string& cause) {
  return {Errc::refused, "make a writable place of", "'" + printable(path.string()) + "'", cause,
          "leave it out of the release (.midairignore), or name another directory"};
}

fs::file_type type_of(const fs::path& path) {
  std::error_code missing;
  return fs::symlink_status(path, missing).type();
}

/// With its missing parents, which are the owner's to write.
Result<void> make_directory(const fs::path& path, mode_t mode) {
  std::error_code error;
  fs::create_directories(path.parent_path(), error);
  if (error) return failed("create", path.parent_path(), error);
  if (::mkdir(path.c_str(), mode) != 0) {
    if (errno == EEXIST && type_of(path) == fs::file_type::directory) return {};
    return system_error(errno, "create", path.string());
  }
  if (::chmod(path.c_str(), mode) != 0) return system_error(errno, "change the mode of", path.string());  // umask
  return sync_path(path.parent_path());
}

/// A directory within another one that the app may write to, in which it can reach nothing: only we may enter it, and
/// it is held by its descriptor, whatever comes to its name.
class Desk {
 public:
  static Result<Desk> in(int home, const std::string& shown) {
    Desk desk(home, ".midair-" + std::to_string(::getpid()));
    std::error_code left_by_a_killed_one;
    fs::remove_all(path_below(home, desk.name_), left_by_a_killed_one);
    if (::mkdirat(home, desk.name_.c_str(), 0700) != 0) return system_error(errno, "create a directory in", shown);
    desk.fd_ = Fd(::openat(home, desk.name_.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    struct stat status {};
    if (!desk.fd_ || ::fstat(desk.fd_.get(), &status) != 0 || status.st_uid != ::geteuid())
      return refused(shown, "something else came to the name of a directory of ours there");
    return desk;
  }
  Desk(Desk&&) noexcept = default;
  Desk& operator=(Desk&&) = delete;
  Desk(const Desk&) = delete;
  Desk& operator=(const Desk&) = delete;
  ~Desk() {
    std::error_code left;
    if (fd_) fs::remove_all(path_below(home_, name_), left);
  }

  /// Copies `from`, and gives the copy to the directory that this one is in, unless its name is taken there.
  Result<void> hand_over(const fs::path& from) {
    const std::string name = from.filename();
    std::error_code error;
    fs::copy(from, path_below(fd_.get(), name), fs::copy_options::recursive | fs::copy_options::copy_symlinks, error);
    if (error) return failed("copy", from, error);
    if (::renameat2(fd_.get(), name.c_str(), home_, name.c_str(), RENAME_NOREPLACE) != 0 && errno != EEXIST)
      return system_error(errno, "hand over the copy of", from.string());
    return {};
  }

 private:
  Desk(int home, std::string name) : home_(home), name_(std::move(name)) {}
  static fs::path path_below(int directory, const std::string& name) {
    return "/proc/self/fd/" + std::to_string(directory) + "/" + name;
  }

  int home_;
  std::string name_;
  Fd fd_;
};

/// Gives what a release has in a place to the directory that stands for it. The app may be at work in that one, so
/// nothing is written through what lies there.
Result<void> give(const fs::path& from, const fs::path& to) {
  const Fd home(::open(to.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!home) return system_error(errno, "enter", to.string());
  std::optional<Desk> desk;
  std::error_code error;
  for (fs::directory_iterator entry(from, error), end; !error && entry != end; entry.increment(error)) {
    struct stat status {};
    const std::string name = entry->path().filename();
    if (::fstatat(home.get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0) continue;
    if (!desk) {
      MIDAIR_TRY_ASSIGN(auto made, Desk::in(home.get(), to.string()));
      desk.emplace(std::move(made));
    }
    MIDAIR_TRY(desk->hand_over(entry->path()));
  }
  if (error) return failed("list", from, error);
  return {};
}

/// Lets a sealed directory be written for as long as this lives.
class Unsealed {
 public:
  explicit Unsealed(fs::path directory) : directory_(std::move(directory)) {
    struct stat status {};
    if (::stat(directory_.c_str(), &status) != 0) return;
    mode_ = status.st_mode & 07777;
    ::chmod(directory_.c_str(), mode_ | S_IRWXU);
  }
  Unsealed(const Unsealed&) = delete;
  Unsealed& operator=(const Unsealed&) = delete;
  ~Unsealed() { ::chmod(directory_.c_str(), mode_); }

 private:
  fs::path directory_;
  mode_t mode_ = kDirectoryMode;
};

/// The directory in which `place` lies. Those on the way are made where they are missing.
Result<fs::path> parent_of(const fs::path& release, const std::string& place) {
  fs::path directory = release;
  for (const fs::path& component : fs::path(place).parent_path()) {
    const fs::path next = directory / component;
    const fs::file_type type = type_of(next);
    if (type == fs::file_type::not_found) {
      const Unsealed unsealed(directory);
      if (::mkdir(next.c_str(), kDirectoryMode) != 0) return system_error(errno, "create", next.string());
    } else if (type != fs::file_type::directory) {
      return refused(release / place, "on the way there the release has something else than a directory");
    }
    directory = next;
  }
  return directory;
}

/// Replaces the directory `place` of the release, if it has one, or a link of ours by a link to `target`.
Result<void> link_to(const fs::path& release, const Manifest& manifest, const std::string& place,
                     const fs::path& target) {
  MIDAIR_TRY_ASSIGN(const fs::path parent, parent_of(release, place));
  const fs::path link = release / place;
  std::error_code error;
  const fs::file_type type = type_of(link);
  if (type == fs::file_type::symlink && fs::read_symlink(link, error) == target) return {};
  const bool is_ours = type == fs::file_type::symlink &&
                       std::ranges::find(manifest.links, place, &ManifestLink::path) == manifest.links.end();
  const Unsealed unsealed(parent);
  if (type == fs::file_type::directory || is_ours) {
    MIDAIR_TRY(remove_tree(link));
  } else if (type != fs::file_type::not_found) {
    return refused(link, "the release has something else than a directory there");
  }
  fs::create_symlink(target, link, error);
  if (error) return failed("create the link", link, error);
  return sync_path(parent);
}

/// An empty directory of that name in `parent`, which is a descriptor: whatever the app has put there is not followed.
Result<void> replace_in(int parent, const std::string& name, const std::string& shown) {
  std::error_code error;
  fs::remove_all("/proc/self/fd/" + std::to_string(parent) + "/" + name, error);
  if (error) return system_error(error.value(), "empty", shown);
  if (::mkdirat(parent, name.c_str(), kOpenMode) != 0) return system_error(errno, "create", shown);
  Fd made(::openat(parent, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!made || ::fchmod(made.get(), kOpenMode) != 0) return system_error(errno, "create", shown);
  return {};
}

/// An empty directory at `fresh.place`. Those on the way to it may be the app's, so no link is followed there.
Result<void> renew(const FreshPlace& fresh) {
  const std::string shown = (fresh.base / fresh.place).string();
  Fd directory(::open(fresh.base.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  for (const fs::path& component : fs::path(fresh.place).parent_path()) {
    if (!directory) break;
    ::mkdirat(directory.get(), component.c_str(), kDirectoryMode);  // what it is otherwise, the next line finds out
    directory = Fd(::openat(directory.get(), component.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  }
  if (!directory) return system_error(errno, "enter the directory of", shown);
  return replace_in(directory.get(), fs::path(fresh.place).filename().string(), shown);
}

}  // namespace

Result<WritableRef> WritableLinks::make(const fs::path& release, std::string_view digest,
                                        const Manifest& manifest) const {
  auto places = WritablePlaces::joined(places_, manifest.writable);
  if (!places) {
    Error error = std::move(places).error();
    error.code = Errc::refused;
    return error;
  }
  WritableRef made{.places = *std::move(places), .fresh = {}};
  for (const std::string& place : made.places.kept) {
    MIDAIR_TRY_ASSIGN(const fs::path home, home_of(place));
    if (type_of(release / place) == fs::file_type::directory) MIDAIR_TRY(give(release / place, home));
    MIDAIR_TRY(link_to(release, manifest, place, home));
  }
  const fs::path fresh = dir_.fresh_places(digest);
  for (const std::string& place : made.places.fresh) {
    if (const std::string* kept = place_around(made.places.kept, place)) {
      MIDAIR_TRY_ASSIGN(const fs::path home, home_of(*kept));
      made.fresh.push_back({home, place.substr(kept->size() + 1)});
    } else {
      MIDAIR_TRY(make_directory(fresh / place, kOpenMode));
      MIDAIR_TRY(link_to(release, manifest, place, fresh / place));
      made.fresh.push_back({fresh, place});
    }
  }
  return made;
}

/// Once made, the one in the state directory stays, whatever is in the image.
Result<fs::path> WritableLinks::home_of(const std::string& kept) const {
  const fs::path own = dir_.kept_places() / kept;
  const fs::path in_image = base_dir_ / kept;
  std::error_code missing;
  if (type_of(own) == fs::file_type::not_found && fs::is_directory(in_image, missing)) return in_image;
  MIDAIR_TRY(make_directory(own, kOpenMode));
  return own;
}

Result<void> renew(const std::vector<FreshPlace>& places) {
  for (const FreshPlace& place : places) MIDAIR_TRY(renew(place));
  return {};
}

}  // namespace midair::sidecar
