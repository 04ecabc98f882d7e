/// @file
/// Any bytes on the control socket: a request, good or bad, gets one line with one JSON object, and the server goes on.
#include <sys/epoll.h>
#include <sys/socket.h>

#include <array>

#include "control/control_server.h"
#include "fuzz.h"
#include "loop/unix_address.h"
#include "midair/json/json.h"
#include "temp_dir.h"

namespace midair::sidecar {

namespace {

constexpr std::size_t kMaxRequest = 4096;  // as control_server.cpp has it
constexpr std::size_t kMaxAnswer = 1 << 20;

/// A server and its client on one loop, both of this thread.
class Exchange {
 public:
  Exchange() : loop_(*EventLoop::create()) {
    server_ = *ControlServer::open(*loop_, path_, [](const std::string& op) {
      Poco::JSON::Object answer;
      answer.set("asked", op);
      return to_canonical_json(answer);
    });
  }

  /// All that the server says to `bytes`.
  std::string ask(std::string_view bytes) {
    const Fd client(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const UnixAddress address = *unix_address(path_);
    require(::connect(client.get(), address.get(), address.size()) == 0);
    require(write_all(client.get(), bytes, "fuzz").ok() && ::shutdown(client.get(), SHUT_WR) == 0);
    std::string answer;
    const auto watch = loop_->watch(client.get(), EPOLLIN, [&](std::uint32_t) {
      std::array<char, 4096> buffer;
      const ssize_t n = ::read(client.get(), buffer.data(), buffer.size());
      if (n > 0)
        answer.append(buffer.data(), static_cast<std::size_t>(n));
      else
        loop_->quit();
    });
    loop_->run();
    return answer;
  }

 private:
  const TempDir directory_;
  const std::filesystem::path path_ = directory_ / "control.sock";
  std::unique_ptr<EventLoop> loop_;
  std::unique_ptr<ControlServer> server_;
};

}  // namespace

}  // namespace midair::sidecar

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace midair;
  using namespace midair::sidecar;
  static Exchange exchange;
  const std::string_view bytes = text_of(data, size);
  const std::string answer = exchange.ask(bytes);
  const bool is_request = bytes.substr(0, kMaxRequest).find('\n') != std::string_view::npos || size >= kMaxRequest;
  require(answer.empty() != is_request);
  if (answer.empty()) return 0;
  require(answer.find('\n') == answer.size() - 1);
  require(parse_json_object(answer, "fuzz", kMaxAnswer).ok());
  return 0;
}
