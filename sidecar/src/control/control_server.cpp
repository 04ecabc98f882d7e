#include "control/control_server.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

#include "midair/json/json.h"
#include "midair/log.h"

namespace midair::sidecar {

namespace {

constexpr std::size_t kMaxRequest = 4096;
constexpr std::size_t kMaxConnections = 16;
constexpr std::chrono::milliseconds kRequestLimit{5000};

bool may_ask(int fd) {
  ucred peer{};
  socklen_t size = sizeof peer;
  return ::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && (peer.uid == ::geteuid() || peer.uid == 0);
}

std::string error_answer(const std::string& text) {
  Poco::JSON::Object object;
  object.set("error", text);
  return to_canonical_json(object);
}

}  // namespace

Result<std::unique_ptr<ControlServer>> ControlServer::open(EventLoop& loop, const std::filesystem::path& path,
                                                           Handler handler) {
  MIDAIR_TRY_ASSIGN(UnixListener listener, listen_at(path, 0600, kMaxConnections));
  return std::unique_ptr<ControlServer>(new ControlServer(loop, std::move(listener), std::move(handler)));
}

ControlServer::ControlServer(EventLoop& loop, UnixListener listener, Handler handler)
    : loop_(loop),
      handler_(std::move(handler)),
      listener_(std::move(listener)),
      watch_(loop.watch(listener_.fd.get(), EPOLLIN, [this](std::uint32_t) { accept(); })) {}

ControlServer::~ControlServer() = default;

void ControlServer::accept() {
  Fd peer(::accept4(listener_.fd.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (!peer || connections_.size() >= kMaxConnections) return;
  if (!may_ask(peer.get())) {
    log(LogLevel::warning, "control.denied");
    return;
  }
  connections_.push_back({std::move(peer), {}, {}, {}});
  const auto connection = std::prev(connections_.end());
  connection->watch =
      loop_.watch(connection->fd.get(), EPOLLIN, [this, connection](std::uint32_t) { receive(connection); });
  connection->limit = loop_.after(kRequestLimit, [this, connection] { connections_.erase(connection); });
}

void ControlServer::receive(std::list<Connection>::iterator connection) {
  std::array<char, kMaxRequest> buffer{};
  const ssize_t n = ::read(connection->fd.get(), buffer.data(), buffer.size());
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (n > 0) {
    connection->request.append(buffer.data(), static_cast<std::size_t>(n));
    const auto end = connection->request.find('\n');
    if (end == std::string::npos && connection->request.size() < kMaxRequest) return;
    const std::string reply = answer(connection->request.substr(0, end)) + "\n";
    // Far below the socket's buffer: it is taken whole, or the peer is gone.
    [[maybe_unused]] const ssize_t sent = ::send(connection->fd.get(), reply.data(), reply.size(), MSG_NOSIGNAL);
  }
  connections_.erase(connection);
}

std::string ControlServer::answer(const std::string& line) const {
  const auto request = parse_json_object(line, "the control request", kMaxRequest);
  if (!request) return error_answer(request.error().message());
  JsonReader reader(**request, "the control request");
  const std::string op = reader.string("op");
  if (const auto read = reader.finish(); !read) return error_answer(read.error().message());
  return handler_(op);
}

}  // namespace midair::sidecar
