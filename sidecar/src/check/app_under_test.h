/// @file
/// One process of an app, spoken to as its sidecar would, and as no sidecar would.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "loop/unix_listener.h"
#include "midair/error.h"
#include "midair/fd.h"
#include "process/child.h"
#include "process/exit_status.h"
#include "protocol/message.h"
#include "sockets/listen_group.h"

namespace midair::sidecar {

/// Started for one check, and killed after it. Every call waits, at most as long as the protocol or kPatience allows.
/// Not thread-safe; destruct it before anything reaps its process.
class AppUnderTest {
 public:
  static constexpr std::chrono::milliseconds kPatience{10000};

  struct Settings {
    std::vector<std::string> command;
    std::vector<std::pair<std::string, int>> sockets;  ///< passed on as LISTEN_FDS; the caller's
    std::optional<Poco::Net::SocketAddress> address;   ///< of the first of them
    std::filesystem::path directory;                   ///< for sockets and state files; exists, private
  };

  /// Starts it and waits for its hello, which is answered by a welcome with that `wait`.
  [[nodiscard]] static Result<std::unique_ptr<AppUnderTest>> start(const Settings& settings, bool wait);
  ~AppUnderTest();
  AppUnderTest(const AppUnderTest&) = delete;
  AppUnderTest& operator=(const AppUnderTest&) = delete;

  [[nodiscard]] const Hello& hello() const { return hello_; }

  /// Sends a request and returns its id.
  [[nodiscard]] Result<std::uint64_t> send(const std::string& op, const Poco::JSON::Object& fields);
  /// The next answer, whichever request it is to.
  [[nodiscard]] Result<Answer> next_answer();
  /// Asks, and waits for the answer; Errc::corrupt if it is to another request.
  [[nodiscard]] Result<Answer> ask(const std::string& op, const Poco::JSON::Object& fields = Poco::JSON::Object());
  /// The same, and fails unless the answer is `ok`.
  [[nodiscard]] Result<Answer> have_done(const std::string& op,
                                         const Poco::JSON::Object& fields = Poco::JSON::Object());
  /// The same, and fails unless it is refused with one of these codes; any, if there are none.
  [[nodiscard]] Result<void> have_refused(const std::string& op, const Poco::JSON::Object& fields,
                                          const std::vector<std::string>& codes);

  /// Sends bytes that are no message.
  [[nodiscard]] Result<void> send_raw(const std::string& bytes);
  /// Waits until the app ends the connection.
  [[nodiscard]] Result<void> await_close();
  /// The sidecar is gone: its socket too.
  void hang_up();
  /// Waits until the app connects again and says hello; false if it does not within that time.
  [[nodiscard]] bool connects_again(std::chrono::milliseconds limit);

  /// True while it has not ended.
  [[nodiscard]] bool is_alive();
  /// Asks it to end with SIGTERM and waits until it has.
  [[nodiscard]] Result<ExitStatus> end();
  /// True if it accepts this client connection within that time.
  [[nodiscard]] bool accepts(int client, std::chrono::milliseconds limit) const;

 private:
  AppUnderTest(Child child, UnixListener listener) : child_(std::move(child)), listener_(std::move(listener)) {}
  [[nodiscard]] Result<void> greet(bool wait, std::chrono::milliseconds limit);
  [[nodiscard]] Result<void> await_connection(std::chrono::milliseconds limit);
  [[nodiscard]] Result<std::string> read_line(std::chrono::milliseconds limit);
  bool look_until(const std::function<bool()>& reached, std::chrono::milliseconds limit);
  [[nodiscard]] bool await_end(std::chrono::milliseconds limit);

  Child child_;
  UnixListener listener_;
  Fd link_;
  std::string buffer_;
  Hello hello_;
  std::uint64_t last_id_ = 6;  // ids grow; that they begin at 1 is not said
};

}  // namespace midair::sidecar
