#include "protocol/app_socket.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <utility>

#include "loop/process_table.h"
#include "midair/log.h"

namespace midair::sidecar {

namespace {

constexpr mode_t kAnybody = 0666;
constexpr int kBacklog = 16;

/// Who connected, as the kernel attests it; pid 0 if it is in a foreign pid namespace.
ucred peer_of(int fd) {
  ucred peer{};
  socklen_t size = sizeof peer;
  return ::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 ? peer : ucred{};
}

}  // namespace

Result<std::unique_ptr<AppSocket>> AppSocket::open(EventLoop& loop, const std::filesystem::path& path) {
  MIDAIR_TRY_ASSIGN(UnixListener listener, listen_at(path, kAnybody, kBacklog));
  return std::unique_ptr<AppSocket>(new AppSocket(loop, std::move(listener)));
}

AppSocket::AppSocket(EventLoop& loop, UnixListener listener) : loop_(loop), listener_(std::move(listener)) {}

AppSocket::~AppSocket() = default;

void AppSocket::serve(const ProcessTree& generation, const Welcome& welcome) {
  generation_ = generation;
  welcome_ = welcome;
  watch_ = loop_.watch(listener_.fd.get(), EPOLLIN, [this](std::uint32_t) { accept(); });
}

void AppSocket::accept() {
  Fd peer(::accept4(listener_.fd.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (!peer) return;
  const auto [pid, uid, gid] = peer_of(peer.get());
  if (!is_member(pid, generation_)) return refuse(pid, "it is not of this generation of the app");
  if (channel_) channel_->receive();  // it may have ended already, which the loop is about to tell
  if (channel_ && channel_->is_open()) return refuse(pid, "the app is connected already");
  channel_ = std::make_unique<AppChannel>(
      loop_, std::move(peer), welcome_,
      AppChannel::Events{[this, uid = uid] { welcomed(uid); },
                         [this](const std::string& why) {
                           log(LogLevel::info, "app.disconnected",
                               {{"generation", std::to_string(welcome_.generation)}, {"why", why}});
                           if (const auto closed = closed_) closed(why);
                         }});
}

void AppSocket::welcomed(uid_t uid) {
  last_hello_ = channel_->hello();
  peer_uid_ = uid;
  if (const auto heard = heard_) heard();  // a copy: it may ask to hear no more
}

const Hello* AppSocket::hello() const {
  return channel_ && channel_->is_open() && channel_->hello() ? &*channel_->hello() : nullptr;
}

void AppSocket::request(const std::string& op, Poco::JSON::Object fields, std::chrono::milliseconds deadline,
                        AppChannel::Answered answered) {
  if (channel_) return channel_->request(op, std::move(fields), deadline, std::move(answered));
  loop_.post([op, answered = std::move(answered)] {
    answered(request_error(Errc::unavailable, op, "it never connected to MIDAIR_SOCKET"));
  });
}

void AppSocket::close(const std::string& why) {
  if (channel_) channel_->close(why);
}

void AppSocket::watch(std::function<void()> heard, std::function<void(const std::string&)> closed) {
  heard_ = std::move(heard);
  closed_ = std::move(closed);
}

void AppSocket::refuse(pid_t pid, const std::string& why) {
  if (std::exchange(refusal_logged_, true)) return;
  log(LogLevel::warning, "app.connection_refused",
      {{"generation", std::to_string(welcome_.generation)}, {"process", describe_process(pid)}, {"why", why}});
}

}  // namespace midair::sidecar
