#include <vector>

#include "commands.h"
#include "midair/foreign_text.h"
#include "midair/host/fleet/fleet_status.h"
#include "midair/pause.h"
#include "status_view.h"

namespace midair::host::hot {

namespace {

constexpr std::chrono::milliseconds kWatchInterval = std::chrono::seconds(1);

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

int run(const CommandTools& tools, Invocation& invocation) {
  const auto app = app_of(invocation);
  if (!app.ok()) return fail(invocation, app.error());
  const auto store = tools.stores->store(StoreUse::read);
  if (!store.ok()) return fail_without_store(invocation, store.error());
  FleetStatus fleet(**store, *tools.directory, system_clock(), StoreLayout{*app});
  const std::string machine = invocation.arguments().empty() ? "" : invocation.arguments().front();
  Look status(fleet, machine);
  SnapshotPrinter printer(invocation.console(), *app, machine.empty() ? Detail::brief : Detail::full);
  if (invocation.flag("watch")) return watch(status, printer, invocation);
  const auto snapshot = status.take({.stop = invocation.stop()});
  if (!snapshot.ok()) return fail(invocation, snapshot.error());
  printer.print(*snapshot);
  return kExitOk;
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
      "result says: the step at which an upgrade failed, how the new process ended, and the last lines that it wrote.";
  command.arguments = "[ID]";
  command.options = {{"watch", OptionKind::flag, {}, "look again every second until interrupted"}};
  command.examples = {
      {"midair status", "the fleet, once"},
      {"midair status 9080e6f3a12345", "one machine, and why its upgrade failed"},
      {"midair status --watch", "the fleet, live"},
      {"midair status --watch --json", "a JSON document whenever something changed"},
  };
  command.run = [tools = std::move(tools)](Invocation& invocation) { return run(tools, invocation); };
  return command;
}

}  // namespace midair::host::hot
