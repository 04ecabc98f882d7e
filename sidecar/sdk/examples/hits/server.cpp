// An HTTP server that counts visits. Everything it knows and says is in the module "hits", which can be replaced while
// it runs; this file stays. By itself: `./server 8080`. With Midair: `midair-sidecar run --listen 0.0.0.0:8080 --
// ./server`.
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <midair/app.hpp>
#include <thread>

#include "hits.h"

namespace {

constexpr int kFirstListenFd = 3;  // as sd_listen_fds(3) says
constexpr int kRequestMs = 5000;

/// The socket that the sidecar passed on, or one of our own on `port`.
int listening_socket(const char* port) {
  if (std::getenv("LISTEN_FDS") != nullptr) return kFirstListenFd;
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int yes = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(std::atoi(port)));
  if (::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 || ::listen(fd, SOMAXCONN) != 0)
    throw std::runtime_error(std::string("cannot listen on port ") + port + ": " + std::strerror(errno));
  return fd;
}

/// Tells whoever started this that it serves: sd_notify(3).
void say_ready() {
  const char* const path = std::getenv("NOTIFY_SOCKET");
  if (path == nullptr) return;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path, sizeof address.sun_path - 1);
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + std::strlen(address.sun_path));
  if (address.sun_path[0] == '@') address.sun_path[0] = '\0';
  const int fd = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  ::sendto(fd, "READY=1", 7, MSG_NOSIGNAL, reinterpret_cast<const sockaddr*>(&address), length);
  ::close(fd);
}

/// The path of a GET; empty if it is none, or the client takes its time.
std::string read_path(int client) {
  std::string request;
  std::array<char, 1024> piece{};
  while (request.find("\r\n\r\n") == std::string::npos && request.size() < 16 * piece.size()) {
    pollfd readable{client, POLLIN, 0};
    const ssize_t got = ::poll(&readable, 1, kRequestMs) > 0 ? ::recv(client, piece.data(), piece.size(), 0) : 0;
    if (got <= 0) return {};
    request.append(piece.data(), static_cast<std::size_t>(got));
  }
  if (!request.starts_with("GET ")) return {};
  return request.substr(4, request.find(' ', 4) - 4);
}

/// One connection, one request. A client that came too late for this process tries again, at the one that serves now.
void serve(int client, const midair::Call<Visit>& visit) {
  if (const std::string path = read_path(client); !path.empty()) try {
      const std::string page = visit(path);
      const std::string answer =
          "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: close\r\nContent-Length: " +
          std::to_string(page.size()) + "\r\n\r\n" + page;
      ::send(client, answer.data(), answer.size(), MSG_NOSIGNAL);
    } catch (const midair::Succeeded&) {
    }
  ::close(client);
}

/// Serves until something is in `stop`.
void work(int listener, int stop, const midair::Call<Visit>& visit) {
  for (;;) {
    std::array<pollfd, 2> events{pollfd{listener, POLLIN, 0}, pollfd{stop, POLLIN, 0}};
    if (::poll(events.data(), events.size(), -1) < 0) continue;
    if (events[1].revents != 0) return;
    const int client = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    if (client >= 0) serve(client, visit);
  }
}

void run(const char* port) {
  sigset_t end;
  sigemptyset(&end);
  sigaddset(&end, SIGTERM);
  sigaddset(&end, SIGINT);
  ::pthread_sigmask(SIG_BLOCK, &end, nullptr);  // before there are threads that could get them

  const int listener = listening_socket(port);
  ::fcntl(listener, F_SETFL, O_NONBLOCK);  // of all that poll() woke, one gets the client
  midair::App app;
  const midair::Call<Visit> visit("hits", "visit");
  const int stop = ::eventfd(0, EFD_CLOEXEC);
  std::thread ender([&] {
    int signal = 0;
    ::sigwait(&end, &signal);
    app.stop();
    ::eventfd_write(stop, 1);
  });

  if (app.wait_for_turn()) {
    say_ready();
    std::array<std::thread, 4> workers;
    for (auto& worker : workers) worker = std::thread([&] { work(listener, stop, visit); });
    for (auto& worker : workers) worker.join();
  }
  ::pthread_kill(ender.native_handle(), SIGINT);  // where the turn never came
  ender.join();
}

}  // namespace

int main(int argc, char** argv) {
  try {
    run(argc > 1 ? argv[1] : "8080");
    return 0;
  } catch (const std::exception& failure) {
    std::cerr << "server: " << failure.what() << '\n';
    return 1;
  }
}
