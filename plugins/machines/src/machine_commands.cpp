/// `midair machines`: the group, and what only looks.
#include "command_kit.h"

namespace midair::host::machines {

namespace {

/// "shared-cpu-2x, 512 MB", as people choose it.
std::string size_of(const Machine& machine) {
  const JsonText guest = machine.config().at("guest");
  if (guest.empty()) return {};
  return guest.at("cpu_kind").string("shared") + "-cpu-" + std::string(guest.at("cpus").text()) + "x, " +
         std::string(guest.at("memory_mb").text()) + " MB";
}

std::string state_of(const Machine& machine) {
  std::string state = machine.state;
  if (machine.cordoned) state += ", cordoned";
  if (!machine.host_status.empty() && machine.host_status != "ok") state += ", host " + machine.host_status;
  return state;
}

std::string checks_of(const Machine& machine) {
  if (machine.checks == 0) return {};
  return std::to_string(machine.checks_passing) + "/" + std::to_string(machine.checks);
}

/// The telling end of an image reference: the tag.
std::string short_image(const std::string& image) { return image.substr(image.rfind(':') + 1); }

int list(ApiCall& call) {
  auto filter = filter_of(call.invocation);
  if (!filter.ok()) return fail(call.invocation, filter.error());
  filter->summary = call.invocation.flag("summary");
  filter->include_deleted = call.invocation.flag("deleted");
  const auto machines = call.api.list(call.app, *filter, call.limits);
  if (!machines.ok()) return fail(call.invocation, machines.error());
  Rows rows{{"ID", "NAME", "STATE", "CHECKS", "REGION", "GROUP", "IMAGE", "SIZE", "UPDATED"}};
  std::vector<JsonText> objects;
  for (const auto& machine : *machines) {
    objects.push_back(machine.json);
    rows.push_back({cell(machine.id), cell(machine.name), cell(state_of(machine)), cell(checks_of(machine)),
                    cell(machine.region), cell(machine.process_group()), cell(short_image(machine.image)),
                    cell(size_of(machine)), cell(machine.updated_at)});
  }
  return print_objects(call, objects, rows);
}

void print_machine(const ApiCall& call, const Machine& machine) {
  if (call.console().json()) return call.console().print_json_line(json_line(machine.json));
  Rows rows{{"id", cell(machine.id)},
            {"name", cell(machine.name)},
            {"state", cell(state_of(machine))},
            {"checks", cell(checks_of(machine))},
            {"region", cell(machine.region)},
            {"image", cell(machine.image)},
            {"size", cell(size_of(machine))},
            {"private ip", cell(machine.private_ip)},
            {"version", cell(machine.instance_id)},
            {"created", cell(machine.created_at)},
            {"updated", cell(machine.updated_at)}};
  for (const auto& [key, value] : machine.metadata) rows.push_back({"metadata " + cell(key), cell(value)});
  call.console().print(columns(rows, 0) + "\n");
}

int get(ApiCall& call) {
  if (call.arguments().empty()) return call.misused("no machine is named");
  int status = kExitOk;
  for (const auto& id : call.arguments()) {
    const auto machine = call.api.get(call.machine(id), call.limits);
    if (machine.ok())
      print_machine(call, *machine);
    else
      status = fail(call.invocation, machine.error());
  }
  return status;
}

using Look = Result<JsonText> (MachinesApi::*)(const MachineRef&, const CallLimits&);

CommandSpec look_command(const Provider& provider, const std::string& verb, const std::string& summary, Look look,
                         const std::vector<std::string>& keys) {
  return {"machines " + verb,
          summary,
          "",
          {base_url_option()},
          "ID",
          {{"midair machines " + verb + " 148ed123456789", "as a table"},
           {"midair machines " + verb + " 148ed123456789 --json", "the API's own objects, one per line"}},
          with_api(provider, [look, keys](ApiCall& call) {
            if (call.arguments().size() != 1) return call.misused("name one machine");
            const auto array = (call.api.*look)(call.machine(call.arguments().front()), call.limits);
            return array.ok() ? print_array(call, *array, keys) : fail(call.invocation, array.error());
          })};
}

CommandSpec list_command(const Provider& provider) {
  CommandSpec command{"machines list",
                      "list the machines of an app",
                      "An empty list is asked for twice before it is believed. Conditions add up.",
                      filter_options(),
                      "",
                      {{"midair machines list --app web", "all of them"},
                       {"midair machines list --state stopped,suspended --region fra", "those that sleep in Frankfurt"},
                       {"midair machines list --metadata fly_process_group=worker --json", "the API's own objects"}},
                      with_api(provider, list)};
  command.options.push_back({"summary", OptionKind::flag, "", "without configuration and checks: less to send"});
  command.options.push_back({"deleted", OptionKind::flag, "", "also those that were destroyed"});
  command.options.push_back(base_url_option());
  return command;
}

}  // namespace

std::vector<CommandSpec> machines_commands(const Provider& provider) {
  std::vector<CommandSpec> commands{
      {"machines",
       "look at machines, make them, and tell them what to do",
       "Needs a token for the Fly API: midair tokens. Fly's rate limits are kept; what passes by itself is waited out.",
       {},
       "",
       {{"midair machines list --app web", "the machines of an app"}},
       {}},
      list_command(provider),
      {"machines get",
       "show machines",
       "",
       {base_url_option()},
       "ID...",
       {{"midair machines get 148ed123456789", "one of them"},
        {"midair machines get 148ed123456789 --json", "all that the API knows of it"}},
       with_api(provider, get)},
      look_command(provider, "ps", "list the processes in a machine", &MachinesApi::processes,
                   {"pid", "command", "directory", "cpu", "rss"}),
      look_command(provider, "events", "list what happened to a machine, newest first", &MachinesApi::events,
                   {"timestamp", "type", "status", "source"}),
      look_command(provider, "versions", "list the configurations that a machine has had", &MachinesApi::versions,
                   {"version"}),
  };
  for (const auto more : {machine_action_commands, machine_change_commands, machine_detail_commands})
    for (auto& command : more(provider)) commands.push_back(std::move(command));
  return commands;
}

}  // namespace midair::host::machines
