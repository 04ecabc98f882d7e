#include "status/announcer.h"

#include "midair/release/features.h"
#include "status/draining.h"

namespace midair::sidecar {

void Announcer::disk_problem(const std::string& why) {
  if (why == problem_) return;
  problem_ = why;
  record_again();
}

void Announcer::record_again() {
  if (state_ != MachineState::unknown) record(state_);
}

void Announcer::record(MachineState state) {
  state_ = state;
  // What is on trial is no proof of a release: others would take it for the last good one.
  const bool on_trial = serving_.candidate() != 0 && serving_.candidate() == serving_.generation();
  const bool ends_untried = on_trial && state == MachineState::stopped;
  const ReleaseRef& running = serving_.generation() == 0 || ends_untried ? serving_.committed() : serving_.release();
  MachineRecord record;
  record.name() = running.name();
  record.base_image_ref = base_image_ref_;
  record.fingerprint = fingerprint_of(record.base_image_ref, record.hot_ref);
  record.state = on_trial && state == MachineState::serving ? MachineState::swapping : state;
  record.sidecar_version = MIDAIR_BUILD_VERSION;
  record.features = known_features();
  record.booted_at = booted_at_;
  record.problem = problem_;
  for (const Generation* old : supervisor_.draining()) record.draining.push_back(draining_process(*old, supervisor_));
  reporter_.record(record);
}

UpgradeResult Announcer::result_for(const Target& target, UpgradeStatus status) const {
  UpgradeResult result;
  result.status = status;
  result.version = target.version;
  result.sequence = target.sequence;
  const std::string now = format_rfc3339(clock_.wall());
  if (status == UpgradeStatus::pending)
    result.started_at = now;
  else
    result.applied_at = now;
  return result;
}

}  // namespace midair::sidecar
