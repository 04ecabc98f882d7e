/// @file
/// Any bytes, cut in pieces by NULs, as the answers that a bucket gives to one GET and the tries after it: what comes
/// out of the store's client is whole, within its limits and named by an ETag, or an error.
#include <Poco/Exception.h>
#include <Poco/Net/ServerSocket.h>
#include <Poco/Net/StreamSocket.h>

#include <mutex>
#include <thread>

#include "bucket.h"
#include "fuzz.h"
#include "midair/log.h"

namespace midair {

namespace {

constexpr std::size_t kMaxSize = 1000;
constexpr std::chrono::milliseconds kDeadline{20};  // leaves room for few pauses before another try

/// Waits for a request on each connection, answers it with the next piece, or with nothing, and closes. Never ends.
class Peer {
 public:
  Peer() : listener_(Poco::Net::SocketAddress("127.0.0.1", 0)), thread_([this] { serve(); }) {}

  [[nodiscard]] std::string endpoint() const {
    return "http://127.0.0.1:" + std::to_string(listener_.address().port());
  }
  void set_answers(std::string_view answers) {
    const std::lock_guard lock(mutex_);
    answers_ = answers;
  }

 private:
  [[noreturn]] void serve() {
    for (;;) try {
        Poco::Net::StreamSocket client = listener_.acceptConnection();
        std::string request;
        char buffer[4096];
        while (!request.ends_with("\r\n\r\n")) {
          const int n = client.receiveBytes(buffer, sizeof buffer);
          if (n <= 0) break;
          request.append(buffer, static_cast<std::size_t>(n));
        }
        const std::string answer = request.empty() ? "" : next_answer();
        if (!answer.empty()) client.sendBytes(answer.data(), static_cast<int>(answer.size()));
      } catch (const Poco::Exception&) {  // the client went away
      }
  }

  std::string next_answer() {
    const std::lock_guard lock(mutex_);
    std::string next = answers_.substr(0, answers_.find('\0'));
    answers_.erase(0, next.size() + 1);
    return next;
  }

  Poco::Net::ServerSocket listener_;
  std::mutex mutex_;
  std::string answers_;  ///< guarded by mutex_
  std::thread thread_;
};

/// Holds no more than it may.
class CountingSink final : public ByteSink {
 public:
  Result<void> write(std::string_view bytes) override {
    size += bytes.size();
    touched = true;
    require(size <= kMaxSize);
    return {};
  }
  Result<void> restart() override {
    size = 0;
    touched = true;
    return {};
  }

  std::size_t size = 0;
  bool touched = false;
};

}  // namespace

}  // namespace midair

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace midair;
  set_log_level(LogLevel::error);
  static Peer& peer = *new Peer;
  static const auto store = open_store(settings_of_bucket(peer.endpoint()));
  peer.set_answers(text_of(data, size));
  CountingSink sink;
  const auto answer = (*store)->get({.key = "key", .if_none_match = "known", .max_size = kMaxSize}, sink, {kDeadline});
  if (!answer.ok()) return 0;
  require(!answer->etag.empty());
  require(answer->not_modified ? !sink.touched : sink.size == answer->size);
  return 0;
}
