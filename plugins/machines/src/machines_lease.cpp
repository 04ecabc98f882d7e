#include "fly_error.h"
#include "json_body.h"
#include "machines_client.h"
#include "poll_pauses.h"

namespace midair::host::machines {

namespace {

/// Who holds a lease matters, the nonce of others does not exist for us.
Result<Lease> lease_of(const JsonText& answer) {
  const JsonText data =
      answer.at("data").is_object() ? answer.at("data") : answer;  // the API wraps it, its spec doesn't
  const auto expires_at = data.at("expires_at").integer();
  if (!expires_at) return Error{Errc::corrupt, "understand", "a lease of the Fly API", "it has no end"};
  return Lease{data.at("nonce").string(), data.at("owner").string(),
               std::chrono::system_clock::from_time_t(*expires_at), data.at("description").string(), data};
}

FlyRequest request_for(std::string op, std::string method, const MachineRef& machine) {
  FlyRequest request{std::move(op), std::move(method),
                     api_path({"apps", machine.app, "machines", machine.id, "lease"})};
  request.app = machine.app;
  request.nonce = machine.nonce;
  return request;
}

}  // namespace

Result<Lease> MachinesClient::take_lease(const MachineRef& machine, std::chrono::seconds ttl,
                                         const std::string& description, std::chrono::milliseconds patience,
                                         const CallLimits& limits) {
  FlyRequest request = request_for("lease the machine", "POST", machine);
  request.query.emplace_back("ttl", std::to_string(ttl.count()));  // where flyctl has it
  request.body = JsonBody().number("ttl", ttl.count()).text("description", description).str();
  request.repeat = machine.nonce.empty() ? Repeat::no : Repeat::yes;
  const CallTimer timer({std::max(limits.deadline, patience), limits.stop});
  const CallTimer waiting({patience, limits.stop});
  PollPauses pauses(patience_.first_poll);
  for (;;) {
    const auto answer = fly_->send(request, timer);
    if (answer.ok()) return lease_of(*answer);
    if (!is_lease_conflict(answer.error()) || !waiting.check("lease", machine.id).ok()) return answer.error();
    pauses.wait(waiting);
  }
}

Result<void> MachinesClient::release_lease(const MachineRef& machine, const CallLimits& limits) {
  const auto answer = fly_->send(request_for("release the lease", "DELETE", machine), CallTimer(limits));
  if (!answer.ok()) return answer.error();
  return {};
}

Result<Lease> MachinesClient::lease(const MachineRef& machine, const CallLimits& limits) {
  MIDAIR_TRY_ASSIGN(const auto answer, fly_->send(request_for("look at the lease", "GET", machine), CallTimer(limits)));
  return lease_of(answer);
}

}  // namespace midair::host::machines
