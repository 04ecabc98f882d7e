/// Waiting for a state, with the API's own waiting where it works and by looking again where it doesn't.
#include <Poco/String.h>

#include <algorithm>

#include "machines_client.h"
#include "midair/duration.h"
#include "poll_pauses.h"

namespace midair::host::machines {

namespace {

constexpr const char* kSettled = "settled";
constexpr const char* kDestroyed = "destroyed";
/// A machine that was just created may be unknown for a moment (flyctl#4618).
constexpr int kBelieveGoneAfter = 3;

bool wants(const MachineWait& wait, const std::string& state) {
  return std::ranges::find(wait.states, state) != wait.states.end();
}

bool is_reached(const MachineWait& wait, const Machine& machine) {
  if (!wait.version.empty() && machine.instance_id != wait.version) return false;
  return wants(wait, machine.state) || (wants(wait, kSettled) && is_settled(machine.state));
}

/// What no later try will change.
bool is_hopeless(const Error& error) {
  return error.code == Errc::denied || error.code == Errc::cancelled || error.http_status == 400;
}

Error not_reached(const MachineRef& machine, const MachineWait& wait, const std::string& state, const Error& trouble) {
  Error error{Errc::timeout, "wait for", "machine " + machine.id,
              "it is not " + Poco::cat(std::string(" or "), wait.states.begin(), wait.states.end()) + " within " +
                  format_duration(wait.timeout) + (state.empty() ? "" : ", but " + state)};
  error.http_status = trouble.http_status;
  error.request_id = trouble.request_id;
  if (trouble.http_status != 408 && !trouble.cause.empty()) error.cause += "; " + trouble.cause;
  return error;
}

}  // namespace

/// The API's own waiting, once. Errc::unavailable with status 408 if the state was not reached in a minute.
Result<std::string> MachinesClient::wait_at_api(const MachineRef& machine, const MachineWait& wait,
                                                const CallTimer& timer) {
  const auto limit = std::min(std::chrono::ceil<std::chrono::seconds>(timer.remaining()),
                              std::chrono::ceil<std::chrono::seconds>(patience_.one_wait));
  FlyRequest request{"wait for the machine", "GET", api_path({"apps", machine.app, "machines", machine.id, "wait"})};
  request.app = machine.app;
  request.repeat = Repeat::no;
  request.patience = limit + std::chrono::seconds(10);
  for (const auto& state : wait.states) request.query.emplace_back("state", state);
  request.query.emplace_back("timeout", std::to_string(limit.count()));
  if (!wait.version.empty()) request.query.emplace_back("version", wait.version);
  MIDAIR_TRY_ASSIGN(const auto answer, fly_->send(request, timer));
  const std::string state = answer.at("state").string();
  if (!state.empty() && state != kSettled) return state;
  MIDAIR_TRY_ASSIGN(const auto seen, get(machine, {.stop = timer.stop()}));
  return seen.state;
}

/// Each round asks the API to wait, and then looks at the machine, so that neither an endpoint that fails nor one that
/// misses the moment keeps anybody waiting.
Result<std::string> MachinesClient::wait(const MachineRef& machine, const MachineWait& wait, const CallLimits& limits) {
  const CallTimer timer({wait.timeout, limits.stop});
  PollPauses pauses(patience_.first_poll);
  std::string last_state;
  Error trouble;
  for (int gone = 0; gone < kBelieveGoneAfter && timer.check("wait for", machine.id).ok();) {
    auto waited = wait_at_api(machine, wait, timer);
    if (waited.ok() || is_hopeless(waited.error())) return waited;

    const auto seen = get(machine, {.stop = limits.stop});
    if (seen.ok() && is_reached(wait, *seen)) return seen->state;
    if (!seen.ok() && is_hopeless(seen.error())) return seen.error();
    trouble = seen.ok() ? waited.error() : seen.error();
    if (seen.ok()) last_state = seen->state;
    gone = !seen.ok() && seen.error().code == Errc::not_found ? gone + 1 : 0;
    if (gone > 0 && wants(wait, kDestroyed) && !last_state.empty()) return std::string(kDestroyed);
    if (waited.error().http_status != 408) pauses.wait(timer);
  }
  if (limits.stop.stop_requested()) return timer.check("wait for", "machine " + machine.id).error();
  if (trouble.code == Errc::not_found) {
    if (wants(wait, kDestroyed)) return std::string(kDestroyed);
    return trouble;
  }
  return not_reached(machine, wait, last_state, trouble);
}

}  // namespace midair::host::machines
