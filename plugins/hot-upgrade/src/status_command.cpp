#include <algorithm>
#include <vector>

#include "commands.h"
#include "midair/duration.h"
#include "midair/foreign_text.h"
#include "midair/host/fleet/fleet_status.h"
#include "midair/pause.h"
#include "status_view.h"

namespace midair::host::hot {

namespace {

constexpr std::chrono::milliseconds kWatchInterval = std::chrono::seconds(1);
constexpr std::chrono::milliseconds kWaitTimeout = std::chrono::minutes(5);

/// Prints snapshots: as JSON lines and in a pipe only what differs from the last, on a terminal in place.
class SnapshotPrinter {
 public:
  SnapshotPrinter(Console& console, std::string app, Detail detail)
      : console_(console), app_(std::move(app)), detail_(detail) {}

  void print(const FleetSnapshot& snapshot) {
    auto json = to_json(snapshot, app_, detail_);
    const bool changed = json != last_json_;
    last_json_ = std::move(json);
    if (console_.json()) {
      if (changed) console_.print_json_line(last_json_);
    } else if (changed || console_.interactive()) {
      console_.redraw(to_text(snapshot, app_, console_, system_clock().wall(), detail_));
    }
  }

 private:
  Console& console_;
  const std::string app_;
  const Detail detail_;
  std::string last_json_;
};

/// Looks at a fleet, or at one machine of it.
class Look {
 public:
  Look(FleetStatus& fleet, std::string machine) : fleet_(fleet), machine_(std::move(machine)) {}

  /// Errc::not_found if there is no such machine.
  Result<FleetSnapshot> take(const CallLimits& limits) {
    auto snapshot = fleet_.take(limits);
    if (!snapshot || machine_.empty()) return snapshot;
    std::erase_if(snapshot->machines,
                  [this](const MachineStatus& status) { return status.machine.record.machine_id != machine_; });
    if (!snapshot->machines.empty()) return snapshot;
    return Error{Errc::not_found, "find", "machine '" + printable(machine_) + "'",
                 "it has not checked in with the store", "midair status"};
  }

 private:
  FleetStatus& fleet_;
  const std::string machine_;
};

/// Until interrupted, which is how a watch ends in good order. Trouble that may pass is told once and waited out.
int watch(Look& status, SnapshotPrinter& printer, const Invocation& invocation) {
  std::string trouble;
  while (!invocation.stop().stop_requested()) {
    const auto snapshot = status.take({.stop = invocation.stop()});
    if (snapshot.ok()) {
      printer.print(*snapshot);
      trouble.clear();
    } else if (!snapshot.error().retryable() && snapshot.error().code != Errc::cancelled) {
      return fail(invocation, snapshot.error());
    } else if (snapshot.error().code != Errc::cancelled && snapshot.error().message() != trouble) {
      trouble = snapshot.error().message();
      invocation.console().print_error(snapshot.error());
    }
    pause(kWatchInterval, invocation.stop());
  }
  return kExitOk;
}

int exit_status_of(FleetVerdict verdict) { return verdict == FleetVerdict::up_to_date ? kExitOk : kExitPartial; }

/// Until all machines are up to date, or one has failed for good, or the time is up. Trouble that may pass is waited
/// out.
int wait(Look& status, SnapshotPrinter& printer, const Invocation& invocation, std::chrono::milliseconds timeout) {
  const BootTime deadline = system_clock().now() + timeout;
  while (true) {
    const auto snapshot = status.take({.stop = invocation.stop()});
    if (invocation.stop().stop_requested()) return kExitInterrupted;
    if (!snapshot.ok() && !snapshot.error().retryable()) return fail(invocation, snapshot.error());
    if (snapshot.ok()) {
      printer.print(*snapshot);
      const FleetVerdict verdict = judge_fleet(*snapshot);
      if (verdict != FleetVerdict::under_way) return exit_status_of(verdict);
    }
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - system_clock().now());
    if (left.count() <= 0)
      return snapshot.ok() ? fail(invocation,
                                  {Errc::timeout, "wait for", "the machines",
                                   "not all are up to date after " + format_duration(timeout), "midair status"},
                                  kExitPartial)
                           : fail(invocation, snapshot.error());
    pause(std::min(kWatchInterval, left), invocation.stop());
  }
}

int run(const CommandTools& tools, Invocation& invocation) {
  const bool waits = invocation.flag("wait");
  if (invocation.flag("watch") && (waits || invocation.flag("check")))
    return fail(invocation,
                {Errc::bad_input, "use the option", "--watch", "it never ends, --check and --wait do", "leave it out"},
                kExitUsage);
  const auto app = app_of(invocation);
  if (!app.ok()) return fail(invocation, app.error());
  const auto store = tools.stores->store(StoreUse::read);
  if (!store.ok()) return fail_without_store(invocation, store.error());
  FleetStatus fleet(**store, *tools.directory, system_clock(), StoreLayout{*app});
  const std::string machine = invocation.arguments().empty() ? "" : invocation.arguments().front();
  Look status(fleet, machine);
  SnapshotPrinter printer(invocation.console(), *app, machine.empty() ? Detail::brief : Detail::full);
  if (invocation.flag("watch")) return watch(status, printer, invocation);
  if (waits) return wait(status, printer, invocation, invocation.duration("timeout").value_or(kWaitTimeout));
  const auto snapshot = status.take({.stop = invocation.stop()});
  if (!snapshot.ok()) return fail(invocation, snapshot.error());
  printer.print(*snapshot);
  return invocation.flag("check") ? exit_status_of(judge_fleet(*snapshot)) : kExitOk;
}

}  // namespace

CommandSpec status_command(CommandTools tools) {
  CommandSpec command;
  command.name = "status";
  command.summary = "show what runs on each machine and whether it is up to date";
  command.description =
      "Lists the machines that checked in with the store, and those that Fly knows where there is a token: base image, "
      "hot version, digest, fingerprint (equal where "
      "the same code runs), state, and a verdict against the pointer. Of the machine named by ID it also shows what "
      "its "
      "result says: the step at which an upgrade failed, how the new process ended, and the last lines that it "
      "wrote.\n\n"
      "With --check or --wait the exit status says whether every machine that runs (or that one) is up to date: 0 they "
      "are, 1 not all; 69 trouble with the store, 130 interrupted.";
  command.arguments = "[ID]";
  command.options = {
      {"watch", OptionKind::flag, {}, "look again every second until interrupted"},
      {"check", OptionKind::flag, {}, "end with status 1 unless all machines are up to date"},
      {"wait", OptionKind::flag, {}, "wait until all machines are up to date, or one has failed; then as --check"},
      {"timeout", OptionKind::duration, "TIME", "how long to --wait at most", {}, "5m"},
  };
  command.examples = {
      {"midair status", "the fleet, once"},
      {"midair status 9080e6f3a12345", "one machine, and why its upgrade failed"},
      {"midair status --watch", "the fleet, live"},
      {"midair status --check", "in a script: is every machine up to date?"},
      {"midair status --wait --timeout 2m", "the same, once those that are at it have come to an end"},
      {"midair status --watch --json", "a JSON document whenever something changed"},
  };
  command.run = [tools = std::move(tools)](Invocation& invocation) { return run(tools, invocation); };
  return command;
}

}  // namespace midair::host::hot
