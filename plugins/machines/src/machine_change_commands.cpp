/// `midair machines create|update|exec`.
#include "command_kit.h"
#include "input.h"

namespace midair::host::machines {

namespace {

constexpr std::uint64_t kMaxConfig = 1024 * 1024;

std::vector<OptionSpec> config_options() {
  return {{"image", OptionKind::text, "REF", "the image to run"},
          {"machine-config", OptionKind::text, "FILE", "the configuration as JSON; '-': from standard input"},
          {"skip-launch", OptionKind::flag, "", "don't start it"},
          {"wait", OptionKind::flag, "", "until it is started"},
          {"timeout", OptionKind::duration, "TIME", "for --wait", "", "5m"}};
}

/// What --machine-config and --image make of `base`.
Result<JsonText> changed_config(const Invocation& invocation, JsonText base) {
  if (const auto file = invocation.text("machine-config")) {
    MIDAIR_TRY_ASSIGN(auto text, read_input(*file, kMaxConfig));
    MIDAIR_TRY_ASSIGN(base, JsonText::parse(std::move(text), *file, kMaxConfig));
    if (!base.is_object()) return Error{Errc::bad_input, "use", *file, "it is no JSON object"};
  }
  const auto image = invocation.text("image");
  if (!image) return base;
  return JsonText::parse(base.with("image", json_string(*image)), "the configuration", kMaxConfig);
}

Result<std::string> follow_launch(const ApiCall& call, const Machine& machine) {
  if (!call.invocation.flag("wait") || call.invocation.flag("skip-launch")) return machine.state;
  MachineWait wait;
  wait.timeout = call.invocation.duration("timeout").value_or(wait.timeout);
  return call.api.wait({call.app, machine.id}, wait, call.limits);
}

int create(ApiCall& call) {
  const auto config = changed_config(call.invocation, {});
  if (!config.ok()) return fail(call.invocation, config.error());
  if (config->at("image").empty()) return call.misused("name an image: --image REF, or \"image\" in --machine-config");
  MachineSpec spec;
  spec.config = *config;
  spec.name = call.invocation.text("name").value_or("");
  spec.region = call.invocation.text("region").value_or("");
  spec.skip_launch = call.invocation.flag("skip-launch");
  CallLimits limits = call.limits;
  limits.deadline = std::chrono::minutes(2);
  const auto machine = call.api.create(call.app, spec, limits);
  if (!machine.ok()) return fail(call.invocation, machine.error());
  if (call.console().json())
    call.console().print_json_line(json_line(machine->json));
  else
    call.console().print("created " + cell(machine->id) + " (" + cell(machine->name) + ") in " + cell(machine->region) +
                         "\n");
  const auto state = follow_launch(call, *machine);
  if (!state.ok()) return fail(call.invocation, state.error());
  if (!call.console().json()) call.console().print(cell(machine->id) + "  " + cell(*state) + "\n");
  return kExitOk;
}

Result<std::string> update(const ApiCall& call, const MachineRef& ref) {
  MIDAIR_TRY_ASSIGN(const auto now, call.api.get(ref, call.limits));
  if (now.config().empty())
    return Error{Errc::refused, "update", "machine " + ref.id,
                 "the API doesn't show its configuration now (host " + now.host_status + ")",
                 "try again when its host is well"};
  MachineSpec spec;
  MIDAIR_TRY_ASSIGN(spec.config, changed_config(call.invocation, now.config()));
  spec.current_version = now.instance_id;
  spec.skip_launch = call.invocation.flag("skip-launch");
  CallLimits limits = call.limits;
  limits.deadline = std::chrono::minutes(2);
  MIDAIR_TRY_ASSIGN(const auto updated, call.api.update(ref, spec, limits));
  return follow_launch(call, updated);
}

int run_update(ApiCall& call) {
  if (call.arguments().empty()) return call.misused("no machine is named");
  if (!call.invocation.text("image") && !call.invocation.text("machine-config"))
    return call.misused("say what changes: --image REF or --machine-config FILE");
  if (call.invocation.text("machine-config") == "-" && call.arguments().size() > 1)
    return call.misused("one configuration from standard input is for one machine");
  return for_machines(call, call.arguments(), [&](const MachineRef& machine) { return update(call, machine); });
}

int exec(ApiCall& call) {
  if (call.arguments().size() < 2) return call.misused("name a machine and a command");
  std::string input;
  if (call.invocation.flag("stdin")) {
    auto text = read_input("-", kMaxConfig);
    if (!text.ok()) return fail(call.invocation, text.error());
    input = *std::move(text);
  }
  CallLimits limits = call.limits;
  limits.deadline = call.invocation.duration("timeout").value_or(limits.deadline);
  const std::vector<std::string> command(call.arguments().begin() + 1, call.arguments().end());
  const auto outcome = call.api.exec(call.machine(call.arguments().front()), command, input, limits);
  if (!outcome.ok()) return fail(call.invocation, outcome.error());
  if (call.console().json()) {
    call.console().print_json_line(json_line(outcome->json));
  } else {
    call.console().relay(Stream::out, outcome->out);
    call.console().relay(Stream::error, outcome->err);
  }
  return outcome->exit_signal != 0 ? 128 + outcome->exit_signal : outcome->exit_code;
}

}  // namespace

std::vector<CommandSpec> machine_change_commands(const Provider& provider) {
  CommandSpec create_spec{
      "machines create",
      "make a machine",
      "Makes one machine, never two: where Fly doesn't say whether it was made, it is looked for by a tag "
      "in its metadata.",
      config_options(),
      "",
      {{"midair machines create --image registry.fly.io/web:v1 --region fra --wait", "and wait for it"},
       {"midair machines create --machine-config machine.json", "with a whole configuration"}},
      with_api(provider, create)};
  create_spec.options.push_back({"name", OptionKind::text, "NAME", "(default: Fly chooses one)"});
  create_spec.options.push_back({"region", OptionKind::text, "REGION", "(default: Fly chooses one)"});
  create_spec.options.push_back(base_url_option());

  CommandSpec update_spec{
      "machines update",
      "give machines another image or configuration",
      "What isn't named stays as it is, byte for byte. A machine that somebody else has changed in "
      "between is left alone.",
      config_options(),
      "ID...",
      {{"midair machines update 148ed123456789 --image registry.fly.io/web:v2 --wait", "a new image"}},
      with_api(provider, run_update)};
  update_spec.options.push_back({"concurrency", OptionKind::integer, "N", "how many at once", "machines.concurrency"});
  update_spec.options.push_back(base_url_option());

  CommandSpec exec_spec{"machines exec",
                        "run a command in a machine",
                        "The exit status is that of the command.",
                        {{"timeout", OptionKind::duration, "TIME", "how long it may take", "", "30s"},
                         {"stdin", OptionKind::flag, "", "pass on standard input"},
                         base_url_option()},
                        "ID COMMAND...",
                        {{"midair machines exec 148ed123456789 -- ls -l /app", "what lies there"}},
                        with_api(provider, exec)};
  return {create_spec, update_spec, exec_spec};
}

}  // namespace midair::host::machines
