/// `midair machines start|stop|...`: the same thing done to many machines.
#include "command_kit.h"

namespace midair::host::machines {

namespace {

using Action = Result<std::string> (*)(const ApiCall&, const MachineRef&);

OptionSpec signal_option() {
  return {"signal", OptionKind::text, "NAME", "such as SIGTERM (default: the machine's own)"};
}
OptionSpec grace_option() {
  return {"kill-after", OptionKind::duration, "TIME", "then it is killed (default: the machine's own)"};
}

/// After a command was obeyed: what the machine is now, or with --wait what it becomes.
Result<std::string> follow(const ApiCall& call, const MachineRef& machine, const std::string& state,
                           const std::string& at_once) {
  if (!call.invocation.flag("wait")) return at_once;
  MachineWait wait;
  wait.states = {state};
  wait.timeout = call.invocation.duration("timeout").value_or(wait.timeout);
  return call.api.wait(machine, wait, call.limits);
}

std::chrono::milliseconds grace(const ApiCall& call) {
  return call.invocation.duration("kill-after").value_or(std::chrono::milliseconds(0));
}
std::string signal_of(const ApiCall& call) { return call.invocation.text("signal").value_or(""); }

Result<std::string> start(const ApiCall& call, const MachineRef& machine) {
  MIDAIR_TRY(call.api.start(machine, call.limits));
  return follow(call, machine, "started", "starting");
}
Result<std::string> stop(const ApiCall& call, const MachineRef& machine) {
  MIDAIR_TRY(call.api.stop(machine, signal_of(call), grace(call), call.limits));
  return follow(call, machine, "stopped", "stopping");
}
Result<std::string> restart(const ApiCall& call, const MachineRef& machine) {
  MIDAIR_TRY(call.api.restart(machine, signal_of(call), grace(call), call.limits));
  return follow(call, machine, "started", "restarting");
}
Result<std::string> suspend(const ApiCall& call, const MachineRef& machine) {
  MIDAIR_TRY(call.api.suspend(machine, call.limits));
  return follow(call, machine, "suspended", "suspending");
}
Result<std::string> cordon(const ApiCall& call, const MachineRef& machine) {
  MIDAIR_TRY(call.api.cordon(machine, call.limits));
  return std::string("cordoned");
}
Result<std::string> uncordon(const ApiCall& call, const MachineRef& machine) {
  MIDAIR_TRY(call.api.uncordon(machine, call.limits));
  return std::string("uncordoned");
}
Result<std::string> send_signal(const ApiCall& call, const MachineRef& machine) {
  MIDAIR_TRY(call.api.signal(machine, signal_of(call), call.limits));
  return "got " + signal_of(call);
}
Result<std::string> destroy(const ApiCall& call, const MachineRef& machine) {
  if (call.invocation.flag("dry-run")) {
    MIDAIR_TRY_ASSIGN(const auto seen, call.api.get(machine, call.limits));
    return "would be destroyed; it is " + seen.state;
  }
  MIDAIR_TRY(call.api.destroy(machine, call.invocation.flag("force"), call.limits));
  return follow(call, machine, "destroyed", "destroying");
}
Result<std::string> wait_for(const ApiCall& call, const MachineRef& machine) {
  MachineWait wait;
  wait.states = split(call.invocation.text("for").value_or(""));
  wait.timeout = call.invocation.duration("timeout").value_or(wait.timeout);
  wait.version = call.invocation.text("version").value_or("");
  return call.api.wait(machine, wait, call.limits);
}

enum class Waits { yes, no };

CommandSpec action_command(const Provider& provider, const std::string& verb, const std::string& summary,
                           std::vector<OptionSpec> options, Waits waits, Action action) {
  CommandSpec command{"machines " + verb, summary, "", std::move(options), "[ID...]", {}, {}};
  if (waits == Waits::yes) {
    command.options.push_back({"wait", OptionKind::flag, "", "until it is done"});
    command.options.push_back({"timeout", OptionKind::duration, "TIME", "for --wait", "", "5m"});
  }
  command.options.push_back({"all", OptionKind::flag, "", "all machines of the app, or those of a filter"});
  for (auto& option : filter_options()) command.options.push_back(std::move(option));
  command.options.push_back({"concurrency", OptionKind::integer, "N", "how many at once", "machines.concurrency"});
  command.options.push_back(base_url_option());
  command.run = with_api(provider, [action](ApiCall& call) {
    const auto ids = chosen_machines(call);
    if (!ids.ok()) return fail(call.invocation, ids.error());
    return for_machines(call, *ids, [&](const MachineRef& machine) { return action(call, machine); });
  });
  command.examples = {{"midair machines " + verb + " 148ed123456789 91857e0c5e4d83", "two machines at once"},
                      {"midair machines " + verb + " --all --region fra", "all machines in Frankfurt"}};
  return command;
}

CommandSpec signal_command(const Provider& provider) {
  OptionSpec signal = signal_option();
  signal.required = true;
  signal.help = "such as SIGUSR1";
  CommandSpec command =
      action_command(provider, "signal", "send a signal to machines", {std::move(signal)}, Waits::no, send_signal);
  command.examples = {{"midair machines signal --signal SIGUSR1 148ed123456789 91857e0c5e4d83", "two machines at once"},
                      {"midair machines signal --signal SIGHUP --all --region fra", "all machines in Frankfurt"}};
  return command;
}

CommandSpec wait_command(const Provider& provider) {
  CommandSpec command = action_command(
      provider, "wait", "wait until machines are in a state",
      {{"for", OptionKind::text, "STATE,...", "any of these; 'settled' is any that lasts", "", "started"},
       {"version", OptionKind::text, "V", "of this version, as 'machines get' shows it"},
       {"timeout", OptionKind::duration, "TIME", "any length", "", "5m"}},
      Waits::no, wait_for);
  command.description = "Waits as long as --timeout says, also beyond the minute that the API waits.";
  command.examples = {{"midair machines wait 148ed123456789", "until it is started"},
                      {"midair machines wait --all --for stopped,suspended --timeout 15m", "until all of them sleep"}};
  return command;
}

}  // namespace

std::vector<CommandSpec> machine_action_commands(const Provider& provider) {
  const auto command = [&](const std::string& verb, const std::string& summary, std::vector<OptionSpec> options,
                           Waits waits, Action action) {
    return action_command(provider, verb, summary, std::move(options), waits, action);
  };
  return {
      command("start", "start machines", {}, Waits::yes, start),
      command("stop", "stop machines", {signal_option(), grace_option()}, Waits::yes, stop),
      command("restart", "restart machines", {signal_option(), grace_option()}, Waits::yes, restart),
      signal_command(provider),
      command("suspend", "suspend machines to disk", {}, Waits::yes, suspend),
      command("cordon", "keep Fly's proxy from sending requests to machines", {}, Waits::no, cordon),
      command("uncordon", "let Fly's proxy send requests to machines again", {}, Waits::no, uncordon),
      command("destroy", "destroy machines", {{"force", OptionKind::flag, "", "also those that run"}, dry_run_option()},
              Waits::yes, destroy),
      wait_command(provider),
  };
}

}  // namespace midair::host::machines
