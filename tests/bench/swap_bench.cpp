/// @file
/// How long a swap in place suspends its callers. Prints a JSON object; times are in microseconds.
///   swap-bench swaps N     N swaps of one module while two threads call it without a pause
///   swap-bench units N R   the migration of N units of 104 bytes, R times, beside memcpy; then under 50 clients
///   swap-bench rehearsed N R   the same migration, R times, each rehearsed first
#include <algorithm>
#include <array>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "../unit/sdk/sessions_app.h"

namespace midair {

namespace {

constexpr std::size_t kUnitBytes = 104;
constexpr std::chrono::milliseconds kThinkTime{1};

double us_since(std::uint64_t begin_ns) { return static_cast<double>(midair_now_ns() - begin_ns) / 1e3; }

double quantile(std::vector<double> values, double part) {
  std::sort(values.begin(), values.end());
  return values[static_cast<std::size_t>(part * static_cast<double>(values.size() - 1))];
}

/// Threads that call one module for as long as this lives.
class Clients {
 public:
  Clients(std::size_t count, std::chrono::milliseconds think_time) {
    for (std::size_t i = 0; i < count; ++i)
      threads_.emplace_back([this, think_time] { call_again_and_again(think_time); });
  }
  ~Clients() { stop(); }
  Clients(const Clients&) = delete;
  Clients& operator=(const Clients&) = delete;

  void stop() {
    stop_ = true;
    for (auto& thread : threads_) thread.join();
    threads_.clear();
  }
  /// Forgets the longest call so far.
  void begin() { longest_us_ = 0; }
  [[nodiscard]] double longest_us() const { return longest_us_; }
  [[nodiscard]] std::uint64_t calls() const { return calls_; }
  [[nodiscard]] std::uint64_t failed() const { return failed_; }

 private:
  void call_again_and_again(std::chrono::milliseconds think_time) {
    const midair_call* const version = midair_bind("sessions", "version");
    while (!stop_) {
      const std::uint64_t begin = midair_now_ns();
      const bool inside = midair_enter();
      if (inside) {
        const int answer = reinterpret_cast<sessions_version*>(version->function)(version->state);
        midair_leave();
        if (answer != 1 && answer != 2) ++failed_;
      } else {
        ++failed_;
      }
      ++calls_;
      const double took = us_since(begin);
      for (double longest = longest_us_; took > longest && !longest_us_.compare_exchange_weak(longest, took);) {
      }
      if (think_time.count() > 0) std::this_thread::sleep_for(think_time);
    }
  }

  std::vector<std::thread> threads_;
  std::atomic<bool> stop_{false};
  std::atomic<double> longest_us_{0};
  std::atomic<std::uint64_t> calls_{0};
  std::atomic<std::uint64_t> failed_{0};
};

void measure_swaps(int count) {
  SessionsApp app("v1");
  app.add_many(1);
  Clients clients(2, std::chrono::milliseconds(0));
  std::vector<double> pauses;
  for (int i = 0; i < count; ++i) {
    app.swap_to(i % 2 == 0 ? "v1_again" : "v1");
    app.succeed(app.commit());
    pauses.push_back(static_cast<double>(app.suspended_ns()) / 1e3);
  }
  clients.stop();
  std::printf(
      "{\"p50\": %.2f, \"p99\": %.2f, \"max\": %.2f, \"longest_call\": %.2f, \"calls\": %llu, \"failed\": %llu}\n",
      quantile(pauses, 0.5), quantile(pauses, 0.99), quantile(pauses, 1), clients.longest_us(),
      static_cast<unsigned long long>(clients.calls()), static_cast<unsigned long long>(clients.failed()));
}

/// Into fresh memory, as a migration writes.
double memcpy_us(std::size_t units) {
  const std::size_t size = units * kUnitBytes;
  const std::vector<char> from(size, 'x');
  const std::uint64_t begin = midair_now_ns();
  const std::unique_ptr<char, decltype(&std::free)> to(static_cast<char*>(std::malloc(size + 1)), &std::free);
  std::memcpy(to.get(), from.data(), size);
  __asm__ volatile("" : : "r"(to.get()) : "memory");
  return us_since(begin);
}

/// From v1 to v2 and, without the clock, back.
double migrate_us(SessionsApp& app, const std::string& variant) {
  app.swap_to(variant);
  const auto suspended = static_cast<double>(app.suspended_ns()) / 1e3;
  app.succeed(app.abort());
  return suspended;
}

/// How long it takes if it is rehearsed, as it is unless a module says otherwise.
void measure_rehearsed(std::size_t units, int rounds) {
  SessionsApp app("v1");
  app.add_many(units);
  std::vector<double> suspended(static_cast<std::size_t>(rounds));
  for (double& each : suspended) each = migrate_us(app, "v2_rehearsed");
  std::printf("{\"suspended\": %.2f}\n", quantile(suspended, 0.5));
}

void measure_units(std::size_t units, int rounds) {
  SessionsApp app("v1");
  app.add_many(units);
  std::vector<double> suspended;
  std::vector<double> copied;
  std::vector<double> longest;
  for (int i = 0; i < rounds; ++i) {
    suspended.push_back(migrate_us(app, "v2"));
    copied.push_back(memcpy_us(units));
  }
  Clients clients(50, kThinkTime);
  for (int i = 0; i < rounds; ++i) {
    app.succeed(app.prepare("v2"));
    clients.begin();
    app.succeed(app.suspend());
    app.succeed(app.migrate());
    app.succeed(app.resume());
    std::this_thread::sleep_for(20 * kThinkTime);  // until every client has made the call that was held
    longest.push_back(clients.longest_us());
    app.succeed(app.abort());
  }
  clients.stop();
  std::printf("{\"suspended\": %.2f, \"memcpy\": %.2f, \"longest_call\": %.2f, \"failed\": %llu}\n",
              quantile(suspended, 0.5), quantile(copied, 0.5), quantile(longest, 1),
              static_cast<unsigned long long>(clients.failed()));
}

int run(const std::vector<std::string>& arguments) {
  if (arguments.size() == 2 && arguments[0] == "swaps") {
    measure_swaps(std::stoi(arguments[1]));
  } else if (arguments.size() == 3 && arguments[0] == "units") {
    measure_units(std::stoul(arguments[1]), std::stoi(arguments[2]));
  } else if (arguments.size() == 3 && arguments[0] == "rehearsed") {
    measure_rehearsed(std::stoul(arguments[1]), std::stoi(arguments[2]));
  } else {
    std::fputs("usage: swap-bench swaps N | units N ROUNDS | rehearsed N ROUNDS\n", stderr);
    return 64;
  }
  return 0;
}

}  // namespace

}  // namespace midair

int main(int argc, char** argv) { return midair::run({argv + 1, argv + argc}); }
