/// @file
/// What a gated call costs: nanoseconds of the caller's own processor time, by one thread and by two at once. Prints a
/// JSON object. Usage: gate-bench CALLS
#include <time.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <shared_mutex>
#include <thread>

#include "midair/app.h"

namespace {

constexpr int kRounds = 9;  // the fastest counts: what else the machine does can only add

[[gnu::noinline]] int add_one(void* /*state*/, int number) { return number + 1; }
using AddOne = int(void*, int);

midair_call add{reinterpret_cast<void (*)()>(add_one), nullptr};
midair_call* volatile bound = &add;  // the compiler must not know what is called
std::shared_mutex mutex;

int make_call(const midair_call* call, int number) {
  const auto function = __atomic_load_n(&call->function, __ATOMIC_RELAXED);  // as often as it may change
  return reinterpret_cast<AddOne*>(function)(call->state, number);
}

struct Plain {
  static int make(const midair_call* call, int number) { return make_call(call, number); }
};
struct Gated {
  static int make(const midair_call* call, int number) {
    if (!midair_enter()) std::abort();
    number = make_call(call, number);
    midair_leave();
    return number;
  }
};
struct Locked {
  static int make(const midair_call* call, int number) {
    const std::shared_lock lock(mutex);
    return make_call(call, number);
  }
};

double thread_ns() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

template <class Way>
double ns_per_call(int calls) {
  const midair_call* const call = bound;
  int number = Way::make(call, 0);
  const double begin = thread_ns();
  for (int i = 0; i < calls; ++i) number = Way::make(call, number);
  const double spent = thread_ns() - begin;
  if (number != calls + 1) std::abort();
  return spent / calls;
}

/// The slower of the threads, in the fastest round.
template <class Way, std::size_t Threads>
double measure(int calls) {
  double fastest = 1e9;
  for (int round = 0; round < kRounds; ++round) {
    std::array<double, Threads> spent{};
    std::array<std::thread, Threads> threads;
    for (std::size_t i = 0; i < Threads; ++i)
      threads[i] = std::thread([&spent, i, calls] { spent[i] = ns_per_call<Way>(calls); });
    for (auto& thread : threads) thread.join();
    fastest = std::min(fastest, *std::max_element(spent.begin(), spent.end()));
  }
  return fastest;
}

template <std::size_t Threads>
void print(int calls) {
  std::printf("\"plain_%zu\": %.3f, \"gated_%zu\": %.3f, \"locked_%zu\": %.3f", Threads, measure<Plain, Threads>(calls),
              Threads, measure<Gated, Threads>(calls), Threads, measure<Locked, Threads>(calls));
}

}  // namespace

int main(int argc, char** argv) {
  const int calls = argc > 1 ? std::atoi(argv[1]) : 1'000'000;
  std::printf("{");
  print<1>(calls);
  std::printf(", ");
  print<2>(calls);
  std::printf("}\n");
}
