/// @file
/// Why an app that runs may serve nobody: what its processes show.
#pragma once

#include <Poco/Net/SocketAddress.h>
#include <sys/types.h>

#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "process/child.h"
#include "process/listening.h"

namespace midair::sidecar {

/// What can be seen of an app and its sockets.
struct ServiceFacts {
  pid_t main = 0;                                                  ///< the process that LISTEN_PID names
  std::map<pid_t, std::filesystem::path> programs{};               ///< of each of its processes; empty where unreadable
  std::vector<std::pair<ino_t, Poco::Net::SocketAddress>> lent{};  ///< the sidecar's sockets, which it was given
  std::vector<Listener> listeners{};                               ///< what its processes have open of any
};

/// The likeliest cause in a sentence without a full stop; empty if nothing looks wrong, or nothing was lent to it. Of a
/// process that listens elsewhere, a wrapper that LISTEN_PID names, a socket that nobody has, connections that nobody
/// accepts, the first that is seen.
[[nodiscard]] std::string why_unserved(const ServiceFacts& facts);

/// Reads /proc; `lent` as AppSockets::sockets_of() tells it.
[[nodiscard]] ServiceFacts service_facts(const Child& app,
                                         std::vector<std::pair<ino_t, Poco::Net::SocketAddress>> lent);

}  // namespace midair::sidecar
