#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "loop/unix_table.h"
#include "midair/log.h"
#include "sockets/file_identity.h"
#include "sockets/unix_sockets.h"

// What system calls of an app come to: the part of UnixSockets that answers them.

namespace midair::sidecar {
namespace fs = std::filesystem;

namespace {

/// The name that an app has given its socket; empty for an abstract one, or none.
std::string name_of_socket(int socket) {
  sockaddr_un address{};
  socklen_t size = sizeof address;
  if (::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size) != 0 || address.sun_family != AF_UNIX)
    return {};
  const std::size_t length = size - std::min<std::size_t>(size, offsetof(sockaddr_un, sun_path));
  return {address.sun_path, ::strnlen(address.sun_path, std::min(length, sizeof address.sun_path))};
}

/// As the app would: what is at the name is removed only if it is a socket that another start of ours has left.
int make_file(int socket, const std::string& name, const FileIdentity& identity) {
  const ActingAs app(identity);
  struct stat status {};
  if (::lstat(name.c_str(), &status) == 0 && S_ISSOCK(status.st_mode)) ::unlink(name.c_str());
  sockaddr_un address{AF_UNIX, {}};
  name.copy(address.sun_path, sizeof address.sun_path - 1);
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size() + 1);
  if (::bind(socket, reinterpret_cast<const sockaddr*>(&address), length) != 0) return errno;
  // bind(2) has made it with our umask. Its mode is that of the socket, which the app may have set by fchmod(2).
  constexpr mode_t kPermissions = 0777;
  if (::fstat(socket, &status) != 0) return errno;
  return ::chmod(name.c_str(), status.st_mode & kPermissions & ~identity.umask) == 0 ? 0 : errno;
}

}  // namespace

UnixSockets::Path* UnixSockets::find(const SocketCall& call, const std::string& named) {
  const std::string name = fs::path(named).filename();
  for (Path& path : paths_) {
    if (!path.may_mean(name)) continue;  // of nearly all calls nothing more has to be asked
    if (call.is_in_directory(named, path.path.parent_path())) return &path;
  }
  return nullptr;
}

/// What isn't led is remembered while its file is there, so that a second generation can be kept from it.
UnixSockets::Path* UnixSockets::find_or_learn(const SocketCall& call, const std::string& named) {
  constexpr std::size_t kMany = 64;
  if (Path* const known = find(call, named)) return known;
  const fs::path path(named);
  if (!path.is_absolute() || !call.is_in_directory(named, path.parent_path())) return nullptr;
  std::erase_if(paths_, [](const Path& known) { return !known.led && ::access(known.path.c_str(), F_OK) != 0; });
  if (paths_.size() >= kMany) return nullptr;
  return &paths_.emplace_back(Path{path, false});
}

bool UnixSockets::is_anothers(const Path& path, unsigned generation) const {
  if (path.holder == 0 || path.holder == generation) return false;
  if (path.led) return true;
  if (::access(path.path.c_str(), F_OK) != 0) return false;
  const auto sockets = unix_sockets();
  return std::any_of(sockets.begin(), sockets.end(), [&](const UnixSocket& socket) {
    return socket.listens && path.listeners.contains(path.holder) && socket.path == path.listeners.at(path.holder);
  });
}

void UnixSockets::refuse(const Path& path, unsigned generation) {
  conflicts_[generation] = "it wants the Unix socket " + path.path.string() +
                           ", on which the code that serves listens" +
                           (path.led ? ", and that can't be given a second name"
                                     : ": give --unix " + path.path.string() + ", and its clients are led");
}

std::optional<int> UnixSockets::bind(unsigned generation, const SocketCall& call) {
  const auto named = call.path();
  Path* const path = named ? find(call, *named) : nullptr;
  if (path == nullptr || !is_anothers(*path, generation)) return std::nullopt;
  if (path->led) return bind_privately(*path, generation, call);
  refuse(*path, generation);
  return EADDRINUSE;
}

int UnixSockets::bind_privately(Path& path, unsigned generation, const SocketCall& call) {
  const auto socket = call.take_socket();
  if (!socket) return EBADF;
  const std::string name = path.private_name(generation);
  if (name_of_socket(socket->get()) == name) return 0;  // a signal made the call arrive twice
  const auto identity = file_identity(call.thread());
  const auto kept = name_privately(path, path.holder);
  if (!identity || !kept) {
    refuse(path, generation);
    return EADDRINUSE;
  }
  const int error = make_file(socket->get(), name, *identity);
  if (error == 0) path.private_names.insert(generation);
  return error;
}

std::optional<int> UnixSockets::listen(unsigned generation, const SocketCall& call, int socket) {
  const std::string name = name_of_socket(socket);
  Path* const path = name.empty() ? nullptr : find_or_learn(call, name);
  if (path == nullptr) return std::nullopt;
  const bool first = path->listeners.insert_or_assign(generation, name).second;
  const bool is_private = path->private_names.contains(generation) && fs::path(name) == path->private_name(generation);
  if (!is_private) {
    path->holder = generation;
    struct stat status {};
    if (::lstat(path->path.c_str(), &status) == 0) path->file = FileId{status.st_dev, status.st_ino};
  }
  if (!path->led) return std::nullopt;
  if (::listen(socket, SOMAXCONN) != 0) return errno;
  if (is_private && generation == served_)
    if (const auto published = publish(*path, generation); !published) return published.error().sys;
  if (first)
    log(LogLevel::info, "sockets.adopted",
        {{"generation", std::to_string(generation)}, {"address", path->path.string()}});
  return 0;
}

std::optional<int> UnixSockets::use(unsigned generation, const SocketCall& call) {
  const auto named = call.path();
  Path* const path = named ? find(call, *named) : nullptr;
  if (path == nullptr) return std::nullopt;
  const bool by_its_path = fs::path(*named).filename() == path->path.filename();
  if (call.kind() == SocketCall::Kind::unlink) return unlink(*path, generation, call, by_its_path);
  if (call.kind() != SocketCall::Kind::connect) return change(*path, generation, call, by_its_path);
  const bool tries = path->led && is_anothers(*path, generation) && path->name_of(generation).empty();
  return tries ? std::optional(ECONNREFUSED) : std::nullopt;
}

std::optional<int> UnixSockets::unlink(Path& path, unsigned generation, const SocketCall& call, bool by_its_path) {
  const std::string own = path.name_of(generation);
  if (own.empty() && !is_anothers(path, generation)) return std::nullopt;
  if (own.empty()) {
    if (!path.led) refuse(path, generation);
    return 0;  // what it knows of is gone for it
  }
  path.listeners.erase(generation);
  if (path.holder == generation) {
    remove_private_name(path, generation);
    path.holder = 0;
    if (by_its_path || !path.led) return std::nullopt;
  }
  const auto identity = file_identity(call.thread());
  if (!identity) return std::nullopt;
  const ActingAs app(*identity);
  path.private_names.erase(generation);
  return ::unlink(own.c_str()) == 0 ? 0 : errno;
}

std::optional<int> UnixSockets::change(const Path& path, unsigned generation, const SocketCall& call,
                                       bool by_its_path) {
  const std::string own = path.name_of(generation);
  if (!path.led || own.empty() || by_its_path == (path.holder == generation)) return std::nullopt;
  const auto identity = file_identity(call.thread());
  if (!identity) return std::nullopt;
  const ActingAs app(*identity);
  const int changed = call.kind() == SocketCall::Kind::chmod ? ::chmod(own.c_str(), static_cast<mode_t>(call.value(0)))
                                                             : ::lchown(own.c_str(), call.value(0), call.value(1));
  return changed == 0 ? 0 : errno;
}

}  // namespace midair::sidecar
