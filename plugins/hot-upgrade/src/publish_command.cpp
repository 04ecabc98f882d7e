#include "publish_command.h"

#include <Poco/Environment.h>
#include <pwd.h>
#include <unistd.h>

#include <array>

#include "json_reporter.h"
#include "midair/fault.h"
#include "midair/host/publish/deploy_lock.h"
#include "midair/host/publish/ulid.h"
#include "publisher.h"
#include "text_reporter.h"

namespace midair::host::hot {

namespace {

constexpr std::chrono::milliseconds kShortestLockTimeout = std::chrono::seconds(1);

/// "user@host", from the password database: environment variables are easily wrong under sudo and cron.
std::string who_and_where() {
  std::array<char, 4096> buffer{};
  passwd entry{};
  passwd* found = nullptr;
  const bool known = ::getpwuid_r(::getuid(), &entry, buffer.data(), buffer.size(), &found) == 0 && found != nullptr;
  return (known ? std::string(entry.pw_name) : "uid " + std::to_string(::getuid())) + "@" +
         Poco::Environment::nodeName();
}

int exit_status_of(const UpgradeSummary& summary) {
  if (summary.interrupted) return kExitInterrupted;
  return summary.everywhere() ? kExitOk : kExitPartial;
}

/// Prints the events of an upgrade for as long as it lives, as the console wants them.
class Reporter {
 public:
  Reporter(EventBus& events, const std::string& topic, Console& console)
      : text_(console), json_(console), subscription_(events.subscribe(topic, [this, &console](const auto& event) {
          console.json() ? json_.hear(*event) : text_.hear(*event);
        })) {}

 private:
  TextReporter text_;
  JsonReporter json_;
  const Subscription subscription_;  // the last: it ends before what it feeds
};

}  // namespace

std::vector<OptionSpec> publishing_options() {
  return {
      {"image", OptionKind::text, "REF", "base image of the machines to upgrade (default: the one they all run)",
       "image_ref"},
      {"dry-run", OptionKind::flag, {}, "say what would be done and change nothing"},
      {"force",
       OptionKind::flag,
       {},
       "take the lock from whoever holds it, and publish although no running machine is covered"},
      {"lock-timeout", OptionKind::duration, "TIME", "a lock that is not renewed for so long may be taken over",
       "hot.lock_timeout", "5m"},
      {"timeout", OptionKind::duration, "TIME", "how long to wait for the machines' answers", "hot.timeout", "5m"},
  };
}

Result<UpgradeRequest> new_request(const Invocation& invocation) {
  UpgradeRequest request;
  MIDAIR_TRY_ASSIGN(request.app, app_of(invocation));
  MIDAIR_TRY_ASSIGN(request.id, new_ulid(system_clock().wall()));
  request.image = invocation.text("image");
  request.force = invocation.flag("force") ? Force::yes : Force::no;
  request.lock_timeout = invocation.duration("lock-timeout").value_or(request.lock_timeout);
  request.timeout = invocation.duration("timeout").value_or(request.timeout);
  request.locked_by = who_and_where();
  return request;
}

int run_upgrade(const CommandTools& tools, Invocation& invocation, const UpgradeRequest& request) {
  if (auto checked = check_fault_setting(kPublishFaultPoints); !checked.ok()) return fail(invocation, checked.error());
  const auto timeout_error = [&](const char* cause) {
    return fail(invocation,
                {Errc::bad_input, "use the option", "--lock-timeout", cause, "leave it out; 5m is the default"},
                kExitUsage);
  };
  if (request.lock_timeout < kShortestLockTimeout) return timeout_error("it is below 1s");
  if (request.lock_timeout > kLongestLockTimeout) return timeout_error("it is above 1h");
  const bool dry_run = invocation.flag("dry-run");
  // Settings that name no store are told first. One that isn't there yet is created, but not before there is a release.
  const auto store = tools.stores->store(StoreUse::read);
  const bool is_created_later = !dry_run && !request.again && !store.ok() && store.error().code == Errc::unavailable;
  if (!store.ok() && !is_created_later) return fail_without_store(invocation, store.error());

  const Reporter reporter(*tools.events, topic_of(request), invocation.console());
  if (dry_run) {
    const auto plan = tools.upgrader->rehearse(request, invocation.stop());
    return plan.ok() ? kExitOk : fail(invocation, plan.error());
  }
  const auto summary = tools.upgrader->upgrade(request, invocation.stop());
  return summary.ok() ? exit_status_of(*summary) : fail(invocation, summary.error());
}

}  // namespace midair::host::hot
