#include "sockets/unix_sockets.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "loop/unix_table.h"
#include "midair/log.h"

namespace midair::sidecar {
namespace fs = std::filesystem;

namespace {

constexpr std::string_view kPrivate = ".midair-";

std::optional<std::pair<dev_t, ino_t>> socket_at(const std::string& path) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0 || !S_ISSOCK(status.st_mode)) return std::nullopt;
  return std::pair{status.st_dev, status.st_ino};
}

bool is_listening(const std::string& name) {
  const auto sockets = unix_sockets();
  return std::any_of(sockets.begin(), sockets.end(),
                     [&](const UnixSocket& socket) { return socket.listens && socket.path == name; });
}

/// Their sidecar was killed.
void remove_left_names(const fs::path& path) {
  std::error_code error;
  for (fs::directory_iterator entry(path.parent_path(), error); !error && entry != fs::directory_iterator();
       entry.increment(error)) {
    const std::string name = entry->path().filename();
    const bool is_private = name.starts_with(kPrivate) && name.ends_with("-" + path.filename().string());
    if (is_private && socket_at(entry->path())) ::unlink(entry->path().c_str());
  }
}

}  // namespace

UnixSockets::UnixSockets(const std::vector<std::string>& led) {
  for (const std::string& path : led) {
    paths_.push_back({path, true});
    remove_left_names(path);
  }
}

std::string UnixSockets::Path::private_name(unsigned generation) const {
  return path.parent_path() / (std::string(kPrivate) + std::to_string(generation) + "-" + path.filename().string());
}

std::string UnixSockets::Path::name_of(unsigned generation) const {
  if (holder == generation) return path;
  return private_names.contains(generation) ? private_name(generation) : "";
}

bool UnixSockets::Path::may_mean(const std::string& name) const {
  const std::string own = path.filename();
  return name == own || (name.starts_with(kPrivate) && name.ends_with("-" + own));
}

/// Its file stays when another one comes to the path.
Result<void> UnixSockets::name_privately(Path& path, unsigned generation) {
  if (path.private_names.contains(generation)) return {};
  const std::string name = path.private_name(generation);
  ::unlink(name.c_str());
  if (::link(path.path.c_str(), name.c_str()) == 0)
    path.private_names.insert(generation);
  else if (errno != ENOENT)
    return system_error(errno, "give a second name to", path.path.string());
  return {};
}

void UnixSockets::remove_private_name(Path& path, unsigned generation) {
  if (path.private_names.erase(generation) != 0) ::unlink(path.private_name(generation).c_str());
}

Result<void> UnixSockets::publish(Path& path, unsigned generation) {
  if (path.holder != 0) MIDAIR_TRY(name_privately(path, path.holder));
  if (::rename(path.private_name(generation).c_str(), path.path.c_str()) != 0)
    return system_error(errno, "lead clients to", path.path.string());
  path.private_names.erase(generation);
  path.holder = generation;
  path.file = socket_at(path.path);
  return {};
}

Result<void> UnixSockets::serve_with(unsigned generation) {
  served_ = generation;
  for (Path& path : paths_)
    if (path.holder != generation && path.listeners.contains(generation) && path.private_names.contains(generation))
      MIDAIR_TRY(publish(path, generation));
  return {};
}

void UnixSockets::ended(unsigned generation) {
  conflicts_.erase(generation);
  if (served_ == generation) served_ = 0;
  for (Path& path : paths_) {
    path.listeners.erase(generation);
    remove_private_name(path, generation);
    if (path.holder != generation) continue;
    // Nobody listens there any more, and an app that doesn't unlink could not bind it again.
    if (path.led && path.file && socket_at(path.path) == path.file) ::unlink(path.path.c_str());
    path.holder = 0;
  }
  std::erase_if(paths_, [](const Path& path) { return !path.led && path.listeners.empty(); });
}

const UnixSockets::Path* UnixSockets::first_of(unsigned generation) const {
  const auto found = std::find_if(paths_.begin(), paths_.end(), [generation](const Path& path) {
    return path.led && path.listeners.contains(generation);
  });
  return found == paths_.end() ? nullptr : &*found;
}

bool UnixSockets::listens(unsigned generation) const { return first_of(generation) != nullptr; }

std::string UnixSockets::missing(unsigned generation) const {
  for (const Path& path : paths_) {
    const bool is_heard = path.listeners.contains(generation);
    if (!path.led || is_heard || served_ == 0 || path.holder != served_ || !path.listeners.contains(served_)) continue;
    if (is_listening(path.listeners.at(served_))) return path.path;
  }
  return {};
}

bool UnixSockets::has_answered_all(unsigned generation) const {
  if (!listens(generation)) return true;
  const auto sockets = unix_sockets();
  return std::none_of(paths_.begin(), paths_.end(), [&](const Path& path) {
    const auto name = path.listeners.find(generation);
    return path.led && name != path.listeners.end() &&
           std::any_of(sockets.begin(), sockets.end(),
                       [&](const UnixSocket& socket) { return !socket.listens && socket.path == name->second; });
  });
}

std::string UnixSockets::address_of(unsigned generation) const {
  const Path* const path = first_of(generation);
  return path == nullptr ? "" : path->path.string();
}

Result<Fd> UnixSockets::connect_to(unsigned generation) const {
  const Path* const path = first_of(generation);
  if (path == nullptr) return Error{Errc::not_found, "connect to", "the app", "it listens nowhere"};
  const std::string name = path->name_of(generation);
  sockaddr_un address{AF_UNIX, {}};
  name.copy(address.sun_path, sizeof address.sun_path - 1);
  Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd || ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    return system_error(errno, "connect to", path->path.string());
  return fd;
}

std::string UnixSockets::conflict(unsigned generation) const {
  const auto found = conflicts_.find(generation);
  return found == conflicts_.end() ? "" : found->second;
}

}  // namespace midair::sidecar
