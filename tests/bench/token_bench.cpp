/// @file
/// What a cached token costs: nanoseconds of the caller's own processor time for a lookup through TokenSource, by one
/// thread and by two at once, and how many they make. Prints a JSON object. Usage: token-bench LOOKUPS
#include <time.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <thread>
#include <unordered_map>

#include "midair/host/memory_token_store.h"
#include "token_chain.h"

namespace {

using namespace midair;
using namespace midair::host;
using namespace midair::host::tokens;
using TokenPtr = std::shared_ptr<const ApiToken>;

// The fastest counts: what else the machine does can only add. Many short rounds find a moment when it does nothing.
constexpr int kRounds = 99;
constexpr int kApps = 20;
const std::string kApp = "app-7";

MemoryTokenStore store;

/// The chain as it is used, warm for twenty apps.
class Chain {
 public:
  Chain() : chain_(origins(), store, system_clock()) {
    for (int i = 0; i < kApps; ++i) static_cast<void>(chain_.token("app-" + std::to_string(i), limits_).ok());
  }
  TokenPtr find() {
    auto token = source_.token(kApp, limits_);
    if (!token.ok()) std::abort();
    return std::move(token).value();
  }

 private:
  static std::vector<std::unique_ptr<TokenOrigin>> origins() {
    std::vector<std::unique_ptr<TokenOrigin>> origins;
    origins.push_back(environment_origin([](const std::string&) { return "fo1_token"; }));
    return origins;
  }

  const CallLimits limits_{};
  TokenChain chain_;
  TokenSource& source_ = chain_;
};

/// What one would write first: a map and a mutex, and the same look at the clock.
class Locked {
 public:
  Locked() {
    for (int i = 0; i < kApps; ++i)
      tokens_["app-" + std::to_string(i)] = {std::make_shared<const ApiToken>(), system_clock().now() + kMaxCacheTime};
  }
  TokenPtr find() {
    const std::scoped_lock lock(mutex_);
    const auto found = tokens_.find(kApp);
    if (found == tokens_.end() || system_clock().now() >= found->second.second) std::abort();
    return found->second.first;
  }

 private:
  std::mutex mutex_;
  std::unordered_map<std::string, std::pair<TokenPtr, BootTime>> tokens_;
};

double thread_ns() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

template <class Way>
double ns_per_lookup(Way& way, int lookups) {
  static_cast<void>(way.find());
  const double begin = thread_ns();
  for (int i = 0; i < lookups; ++i)
    if (!way.find()) std::abort();
  return (thread_ns() - begin) / lookups;
}

struct Cost {
  double ns = 1e9;        ///< of processor time for a lookup, by the slower thread, in the fastest round
  double per_second = 0;  ///< lookups by all threads, by the wall clock, in the fastest round
};

template <class Way, std::size_t Threads>
Cost measure(int lookups) {
  Way way;
  Cost best;
  for (int round = 0; round < kRounds; ++round) {
    std::array<double, Threads> spent{};
    std::array<std::thread, Threads> threads;
    const auto begin = std::chrono::steady_clock::now();
    for (std::size_t i = 0; i < Threads; ++i)
      threads[i] = std::thread([&spent, &way, i, lookups] { spent[i] = ns_per_lookup(way, lookups); });
    for (auto& thread : threads) thread.join();
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    best.ns = std::min(best.ns, *std::max_element(spent.begin(), spent.end()));
    best.per_second = std::max(best.per_second, static_cast<double>(Threads) * lookups / took.count());
  }
  return best;
}

template <class Way, std::size_t Threads>
void print(const char* name, int lookups) {
  const Cost cost = measure<Way, Threads>(lookups);
  std::printf("\"%s_%zu\": {\"ns\": %.3f, \"per_second\": %.0f}", name, Threads, cost.ns, cost.per_second);
}

}  // namespace

int main(int argc, char** argv) {
  const int lookups = argc > 1 ? std::atoi(argv[1]) : 1'000'000;
  std::printf("{");
  print<Chain, 1>("cached", lookups);
  std::printf(", ");
  print<Locked, 1>("locked", lookups);
  std::printf(", ");
  print<Chain, 2>("cached", lookups);
  std::printf(", ");
  print<Locked, 2>("locked", lookups);
  std::printf("}\n");
}
