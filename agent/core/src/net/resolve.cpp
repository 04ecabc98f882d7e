#include "net/resolve.h"

#include <netdb.h>

#include <condition_variable>
#include <memory>
#include <mutex>
#include <system_error>
#include <thread>

namespace midair {

namespace {

using Addresses = std::vector<Poco::Net::SocketAddress>;

/// Shared by the one that waits and the thread that asks.
struct Lookup {
  std::mutex mutex;
  std::condition_variable_any changed;
  bool done = false;    // guarded by mutex
  int status = 0;       // guarded by mutex; of getaddrinfo()
  Addresses addresses;  // guarded by mutex
};

bool is_numeric(const std::string& host) {
  return host.find(':') != std::string::npos || host.find_first_not_of("0123456789.") == std::string::npos;
}

int ask(const std::string& host, std::uint16_t port, Addresses& addresses) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV | (is_numeric(host) ? AI_NUMERICHOST : AI_ADDRCONFIG);
  addrinfo* found = nullptr;
  const int status = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owner(found, [](addrinfo* list) {
    if (list != nullptr) ::freeaddrinfo(list);
  });
  for (const addrinfo* at = found; at != nullptr; at = at->ai_next)
    if (at->ai_family == AF_INET || at->ai_family == AF_INET6) addresses.emplace_back(at->ai_addr, at->ai_addrlen);
  return status;
}

void run(const std::shared_ptr<Lookup>& lookup, const std::string& host, std::uint16_t port) {
  Addresses addresses;
  const int status = ask(host, port, addresses);
  const std::lock_guard lock(lookup->mutex);
  lookup->status = status;
  lookup->addresses = std::move(addresses);
  lookup->done = true;
  lookup->changed.notify_all();
}

}  // namespace

Result<Addresses> resolve(const std::string& host, std::uint16_t port, const CallTimer& timer) {
  if (host.ends_with(".localhost")) return resolve("127.0.0.1", port, timer);
  const auto lookup = std::make_shared<Lookup>();
  if (is_numeric(host)) {
    run(lookup, host, port);
  } else {
    try {
      std::thread(run, lookup, host, port).detach();
    } catch (const std::system_error& error) {
      return system_error(error.code().value(), "start a thread to look up", host);
    }
  }
  std::unique_lock lock(lookup->mutex);
  lookup->changed.wait_for(lock, timer.stop(), timer.remaining(), [&] { return lookup->done; });
  if (!lookup->done) {
    MIDAIR_TRY(timer.check("look up", host));
    return Error{Errc::timeout, "look up", host, "no answer from the name server"};
  }
  if (lookup->addresses.empty())
    return Error{Errc::unavailable, "look up", host,
                 lookup->status == 0 ? "it has no address" : ::gai_strerror(lookup->status),
                 "check the endpoint and the name server"};
  return std::move(lookup->addresses);
}

}  // namespace midair
