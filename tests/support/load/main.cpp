// midair-load: steady HTTP load on one server; tells what its clients saw as one JSON object. Status 0 iff nothing
// failed.
#include <signal.h>

#include <CLI/CLI.hpp>
#include <iostream>
#include <thread>
#include <vector>

#include "client.h"
#include "midair/duration.h"

namespace midair {
namespace {

/// Waits for SIGINT, SIGTERM or the end of `duration` (0: never); writes a line per second meanwhile if `live`.
void wait_for_the_end(const sigset_t& signals, std::chrono::milliseconds duration, bool live, const Tally& tally) {
  const auto start = Tally::Clock::now();
  while (duration.count() == 0 || Tally::Clock::now() - start < duration) {
    auto wait = std::chrono::nanoseconds(std::chrono::seconds(1));
    if (duration.count() != 0) wait = std::min(wait, start + duration - Tally::Clock::now());
    const timespec limit{.tv_sec = wait.count() / 1'000'000'000, .tv_nsec = std::max(wait.count() % 1'000'000'000, 0L)};
    if (sigtimedwait(&signals, nullptr, &limit) > 0) return;
    if (!live) continue;
    tally.to_json(false)->stringify(std::cout);
    std::cout << std::endl;
  }
}

int run(const LoadPlan& plan, std::chrono::milliseconds duration, bool live) {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);  // before the threads, which inherit it

  Tally tally;
  {
    std::vector<std::jthread> clients;
    for (unsigned number = 0; number < plan.connections; ++number)
      clients.emplace_back(
          [&plan, &tally, number](const std::stop_token& stop) { Client(plan, number, tally).run(stop); });
    wait_for_the_end(signals, duration, live, tally);
    for (auto& client : clients) client.request_stop();
  }
  tally.to_json(true)->stringify(std::cout);
  std::cout << std::endl;
  return tally.failures() == 0 ? 0 : 1;
}

}  // namespace
}  // namespace midair

int main(int argc, char** argv) {
  using midair::parse_duration;
  midair::LoadPlan plan;
  std::string think = "5ms", timeout = "30s", duration = "0s";
  bool live = false;

  CLI::App app(
      "Steady HTTP load on 127.0.0.1; tells what its clients saw as one JSON object. Status 0 iff nothing failed.");
  app.add_option("port", plan.port, "the server's port")->required();
  app.add_option("--path", plan.path, "path of GET and POST requests")->capture_default_str();
  app.add_option("--connections", plan.connections, "clients at the same time")->capture_default_str();
  app.add_option("--fresh", plan.fresh_percent, "percent of the clients that connect anew for each request")
      ->capture_default_str();
  app.add_option("--posts", plan.post_percent, "percent of the requests that are POSTs")->capture_default_str();
  app.add_option("--streams", plan.stream_percent, "percent of the requests that GET /stream")->capture_default_str();
  app.add_option("--think", think, "time between an answer and the next request")->capture_default_str();
  app.add_option("--timeout", timeout, "longest wait for a connection or for bytes")->capture_default_str();
  app.add_option("--duration", duration, "0s: until SIGINT or SIGTERM")->capture_default_str();
  app.add_option("--version-header", plan.version_header, "header that names the app's version, in lower case")
      ->capture_default_str();
  app.add_flag("--live", live, "a JSON object every second besides");
  CLI11_PARSE(app, argc, argv);

  const auto think_time = parse_duration(think), timeout_time = parse_duration(timeout),
             run_time = parse_duration(duration);
  if (!think_time || !timeout_time || !run_time) {
    std::cerr << "midair-load: a duration is written 200ms, 10s or 5m\n";
    return 64;
  }
  plan.think = think_time.value();
  plan.timeout = timeout_time.value();
  return midair::run(plan, run_time.value(), live);
}
