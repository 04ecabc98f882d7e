// What the sidecar tells others: the machine record, results, and the answers on the control socket.
#include <chrono>

#include "midair/json/json.h"
#include "sidecar.h"

namespace midair::sidecar {

void Sidecar::publish_record(const std::string& state) {
  const ReleaseRef& running = serving_.generation == 0 ? committed_ : serving_.release;
  MachineRecord record;
  record.base_image_ref = options_.identity.base_image_ref;
  record.hot_ref = running.hot_ref;
  record.version = running.version;
  record.digest = running.digest;
  record.sequence = running.sequence;
  record.fingerprint = fingerprint_of(record.base_image_ref, record.hot_ref);
  record.state = state;
  record.sidecar_version = MIDAIR_BUILD_VERSION;
  record.booted_at = booted_at_;
  reporter_->record(record);
}

UpgradeResult Sidecar::result_for(const Target& target, UpgradeStatus status) const {
  UpgradeResult result;
  result.status = status;
  result.version = target.version;
  result.sequence = target.sequence;
  const std::string now = format_rfc3339(system_clock().wall());
  if (status == UpgradeStatus::pending)
    result.started_at = now;
  else
    result.applied_at = now;
  return result;
}

std::string Sidecar::answer(const std::string& op) {
  if (op == "status") return status_json();
  Poco::JSON::Object object;
  if (op == "poll_now") {
    poller_->poll_now();
    object.set("ok", true);
  } else {
    object.set("error", "unknown operation '" + op + "'; there are status and poll_now");
  }
  return to_canonical_json(object);
}

std::string Sidecar::status_json() const {
  const ReleaseRef& running = serving_.release;
  Poco::JSON::Object status;
  status.set("app", options_.identity.app);
  status.set("machine_id", options_.identity.machine_id);
  status.set("region", options_.identity.region);
  status.set("base_image_ref", options_.identity.base_image_ref);
  status.set("hot_ref", running.hot_ref);
  status.set("version", running.version);
  status.set("digest", running.digest);
  status.set("sequence", running.sequence);
  status.set("fingerprint", fingerprint_of(options_.identity.base_image_ref, running.hot_ref));
  status.set("sidecar_version", MIDAIR_BUILD_VERSION);
  status.set("booted_at", booted_at_);
  if (Generation* serving = supervisor_->find(serving_.generation)) {
    status.set("pid", serving->child.pid());
    status.set("generation", serving->number);
    status.set("app_status", serving->status);
  }

  Poco::JSON::Object::Ptr swap = new Poco::JSON::Object;
  swap->set("state", to_string(swap_->state()));
  const auto in_state = swap_->since() == BootTime{} ? BootTime{} : system_clock().now() - swap_->since();
  swap->set("in_state_ms", std::chrono::duration_cast<std::chrono::milliseconds>(in_state).count());
  if (const auto& target = swap_->target()) {
    swap->set("version", target->version);
    swap->set("upgrade_id", target->upgrade_id);
  }
  status.set("swap", swap);

  const Poller::Status polled = poller_->status();
  Poco::JSON::Object::Ptr poller = new Poco::JSON::Object;
  poller->set("last_check", polled.last_check);
  poller->set("etag", polled.etag);
  poller->set("last_error", polled.last_error);
  poller->set("polls", polled.polls);
  poller->set("not_modified", polled.not_modified);
  poller->set("errors", polled.errors);
  status.set("poller", poller);
  return to_canonical_json(status);
}

}  // namespace midair::sidecar
