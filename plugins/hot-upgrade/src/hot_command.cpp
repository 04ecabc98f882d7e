#include <Poco/Environment.h>
#include <pwd.h>
#include <unistd.h>

#include <array>

#include "commands.h"
#include "json_reporter.h"
#include "midair/fault.h"
#include "midair/host/publish/deploy_lock.h"
#include "midair/host/publish/ulid.h"
#include "midair/release/manifest.h"
#include "publisher.h"
#include "release_list.h"
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

PackOptions packing_of(const Invocation& invocation) {
  return {.strategy = invocation.text("strategy"),
          .exclude = invocation.texts("exclude"),
          .include = invocation.texts("include"),
          .keep_mtimes = invocation.flag("keep-mtimes")};
}

Result<UpgradeRequest> request_of(const Invocation& invocation) {
  UpgradeRequest request;
  MIDAIR_TRY_ASSIGN(request.app, app_of(invocation));
  MIDAIR_TRY_ASSIGN(request.id, new_ulid(system_clock().wall()));
  request.from = invocation.text("from").value_or("");
  request.version = invocation.text("version");
  request.packing = packing_of(invocation);
  request.image = invocation.text("image");
  request.force = invocation.flag("force") ? Force::yes : Force::no;
  request.lock_timeout = invocation.duration("lock-timeout").value_or(request.lock_timeout);
  request.timeout = invocation.duration("timeout").value_or(request.timeout);
  request.locked_by = who_and_where();
  return request;
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

int run_list(const Invocation& invocation) {
  const auto printed = print_release_list(invocation.text("from").value_or(""), packing_of(invocation),
                                          invocation.console(), invocation.stop());
  return printed.ok() ? kExitOk : fail(invocation, printed.error());
}

int run(const CommandTools& tools, Invocation& invocation) {
  if (invocation.flag("list")) return run_list(invocation);
  const auto request = request_of(invocation);
  if (!request.ok()) return fail(invocation, request.error());
  if (auto checked = check_fault_setting(kPublishFaultPoints); !checked.ok()) return fail(invocation, checked.error());
  const auto timeout_error = [&](const char* cause) {
    return fail(invocation,
                {Errc::bad_input, "use the option", "--lock-timeout", cause, "leave it out; 5m is the default"},
                kExitUsage);
  };
  if (request->lock_timeout < kShortestLockTimeout) return timeout_error("it is below 1s");
  if (request->lock_timeout > kLongestLockTimeout) return timeout_error("it is above 1h");
  const bool dry_run = invocation.flag("dry-run");
  // Settings that name no store are told first. One that isn't there yet is created, but not before there is a release.
  const auto store = tools.stores->store(StoreUse::read);
  const bool is_created_later = !dry_run && !store.ok() && store.error().code == Errc::unavailable;
  if (!store.ok() && !is_created_later) return fail_without_store(invocation, store.error());

  const Reporter reporter(*tools.events, topic_of(*request), invocation.console());
  if (dry_run) {
    const auto plan = tools.upgrader->rehearse(*request, invocation.stop());
    return plan.ok() ? kExitOk : fail(invocation, plan.error());
  }
  const auto summary = tools.upgrader->upgrade(*request, invocation.stop());
  return summary.ok() ? exit_status_of(*summary) : fail(invocation, summary.error());
}

}  // namespace

CommandSpec hot_command(CommandTools tools) {
  CommandSpec command;
  command.name = "hot";
  command.summary = "publish a release and watch the running machines take it";
  command.description =
      "Packs DIR into a release, uploads it, points the fleet at it and follows each machine until it has swapped its "
      "code, or could not. Nothing is restarted and no request is dropped.\n\n"
      "Left out of the release are .git, midair.yaml, .env* and .midairignore, and what matches a pattern in a "
      ".midairignore of DIR or of a directory below it. The patterns are gitignore's: a line '!.env.production' takes "
      "that file in all the same. A .dockerignore is not used.\n\n"
      "One publication at a time: a lock in the store sees to that. Exit status: 0 all machines upgraded, 1 not all, "
      "75 somebody else holds the lock or was quicker, 65 or 66 bad input, 69 trouble with the store, 130 interrupted.";
  command.options = {
      {"from", OptionKind::text, "DIR", "the directory to publish", {}, {}, true},
      {"version", OptionKind::text, "V",
       "the release's name (default: version in DIR/midair.json, else time and upgrade id)"},
      {"strategy",
       OptionKind::text,
       "S",
       "how machines take it over (default: strategy in DIR/midair.json, else handover)",
       {},
       {},
       false,
       {kStrategies.begin(), kStrategies.end()}},
      {"keep-mtimes",
       OptionKind::flag,
       {},
       "let files keep their modification times; else all have the same, so that every checkout gives the same "
       "release"},
      {"image", OptionKind::text, "REF", "base image of the machines to upgrade (default: the one they all run)",
       "image_ref"},
      {"exclude",
       OptionKind::text,
       "PATTERN",
       "leave out what matches, as a line of .midairignore would; may be repeated",
       {},
       {},
       false,
       {},
       true},
      {"include",
       OptionKind::text,
       "PATTERN",
       "pack what matches in spite of --exclude, .midairignore and the defaults; may be repeated",
       {},
       {},
       false,
       {},
       true},
      {"list", OptionKind::flag, {}, "print what would be packed, with sizes, and what not; needs no app and no store"},
      {"dry-run", OptionKind::flag, {}, "say what would be done and change nothing"},
      {"force",
       OptionKind::flag,
       {},
       "take the lock from whoever holds it, and publish although no running machine is covered"},
      {"lock-timeout", OptionKind::duration, "TIME", "a lock that is not renewed for so long may be taken over",
       "hot.lock_timeout", "5m"},
      {"timeout", OptionKind::duration, "TIME", "how long to wait for the machines' answers", "hot.timeout", "5m"},
  };
  command.examples = {
      {"midair hot --from build/release", "publish a directory"},
      {"midair hot --from build/release --list --exclude '*.map'", "see what would be packed"},
      {"midair hot --from build/release --dry-run", "see which machines it would reach"},
      {"midair hot --from build/release --version 1.4.2 --json", "publish from CI, one JSON event per line"},
  };
  command.run = [tools = std::move(tools)](Invocation& invocation) { return run(tools, invocation); };
  return command;
}

}  // namespace midair::host::hot
