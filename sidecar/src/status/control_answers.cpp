#include "status/control_answers.h"

#include <chrono>

#include "midair/foreign_text.h"
#include "midair/release/draining_json.h"
#include "midair/release/machine_state.h"
#include "midair/release/release_archive.h"
#include "status/draining.h"

namespace midair::sidecar {

using Poco::JSON::Object;

std::string ControlAnswers::answer(const std::string& op) {
  if (op == "status") return status();
  Object object;
  if (op == "poll_now") {
    store_thread_.poll_now();
    object.set("ok", true);
  } else {
    object.set("error", "unknown operation '" + op + "'; there are status and poll_now");
  }
  return to_canonical_json(object);
}

std::string ControlAnswers::status() const {
  const ReleaseRef& running = serving_.release();
  Object status;
  status.set("app", identity_.app);
  status.set("machine_id", identity_.machine_id);
  status.set("region", identity_.region);
  status.set("base_image_ref", identity_.base_image_ref);
  status.set("hot_ref", running.hot_ref);
  status.set("version", running.version);
  status.set("digest", running.digest);
  status.set("sequence", running.sequence);
  status.set("fingerprint", fingerprint_of(identity_.base_image_ref, running.hot_ref));
  status.set("sidecar_version", MIDAIR_BUILD_VERSION);
  status.set("booted_at", booted_at_);
  if (Generation* serving = supervisor_.find(serving_.generation())) {
    status.set("pid", serving->child.pid());
    status.set("generation", serving->number);
    status.set("app_status", serving->status);
  }
  if (const auto writable = dir_.check_writable(); !writable) status.set("problem", writable.error().message());
  if (!service_check_.problem().empty()) status.set("service_problem", service_check_.problem());
  if (const auto added = added_files(); !added->empty()) status.set("added_files", added);
  if (const auto list = draining(); !list->empty()) status.set("draining", list);
  status.set("swap", swap());
  status.set("poller", poller());
  return to_canonical_json(status);
}

/// Files that the running release did not bring. Usually caches of an interpreter.
Poco::JSON::Array::Ptr ControlAnswers::added_files() const {
  constexpr std::size_t kMost = 20;
  Poco::JSON::Array::Ptr names = new Poco::JSON::Array;
  if (serving_.release().is_base_image()) return names;
  const auto added = midair::added_files(serving_.release().directory, kMost, serving_.release().writable.places);
  for (std::size_t i = 0; added && i < added->size(); ++i) names->add(printable((*added)[i]));
  return names;
}

/// Old processes that finish what they had begun, the oldest first.
Poco::JSON::Array::Ptr ControlAnswers::draining() const {
  Poco::JSON::Array::Ptr list = new Poco::JSON::Array;
  for (const Generation* old : supervisor_.draining()) {
    Object::Ptr entry = to_json(draining_process(*old, supervisor_));
    entry->set("generation", old->number);
    entry->set("pid", old->child.pid());
    list->add(entry);
  }
  return list;
}

Object::Ptr ControlAnswers::swap() const {
  Object::Ptr swap = new Object;
  swap->set("state", to_string(swap_.state()));
  const auto in_state = swap_.since() == BootTime{} ? BootTime{} : clock_.now() - swap_.since();
  swap->set("in_state_ms", std::chrono::duration_cast<std::chrono::milliseconds>(in_state).count());
  if (!swap_.problem().empty()) swap->set("problem", swap_.problem());
  if (const auto& target = swap_.target()) {
    swap->set("version", target->version);
    swap->set("upgrade_id", target->upgrade_id);
  }
  return swap;
}

Object::Ptr ControlAnswers::poller() const {
  const StoreThread::Status polled = store_thread_.status();
  Object::Ptr poller = new Object;
  poller->set("last_check", polled.last_check);
  poller->set("etag", polled.etag);
  poller->set("last_error", polled.last_error);
  poller->set("polls", polled.polls);
  poller->set("not_modified", polled.not_modified);
  poller->set("errors", polled.errors);
  return poller;
}

}  // namespace midair::sidecar
