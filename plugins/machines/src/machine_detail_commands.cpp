/// `midair machines lease|metadata`.
#include "command_kit.h"
#include "json_body.h"
#include "midair/clock.h"

namespace midair::host::machines {

namespace {

int print_lease(const ApiCall& call, const Result<Lease>& lease) {
  if (!lease.ok()) return fail(call.invocation, lease.error());
  if (call.console().json()) {
    call.console().print_json_line(json_line(lease->json));
    return kExitOk;
  }
  call.console().print(columns({{"owner", cell(lease->owner)},
                                {"until", format_rfc3339(lease->expires_at)},
                                {"what for", cell(lease->description)},
                                {"nonce", cell(lease->nonce)}},
                               0));
  return kExitOk;
}

int lease(ApiCall& call) {
  if (call.arguments().size() != 2) return call.misused("say show, take or release, and name one machine");
  const std::string& verb = call.arguments()[0];
  const MachineRef machine = call.machine(call.arguments()[1]);
  if (verb == "show") return print_lease(call, call.api.lease(machine, call.limits));
  if (verb == "take") {
    const auto ttl = call.invocation.duration("ttl").value_or(std::chrono::minutes(2));
    return print_lease(
        call, call.api.take_lease(machine, std::chrono::ceil<std::chrono::seconds>(ttl),
                                  call.invocation.text("description").value_or(""),
                                  call.invocation.duration("wait").value_or(std::chrono::seconds(0)), call.limits));
  }
  if (verb == "release" && machine.nonce.empty())
    return call.misused("the lease's nonce is needed: MIDAIR_LEASE_NONCE in the environment");
  if (verb == "release")
    return report(call, call.api.release_lease(machine, call.limits), "machine_id", machine.id, "released");
  return call.misused("'" + verb + "' is none of show, take and release");
}

int show_metadata(const ApiCall& call, const MachineRef& machine, const std::string& key) {
  const auto metadata = call.api.metadata(machine, call.limits);
  if (!metadata.ok()) return fail(call.invocation, metadata.error());
  Rows rows{{"KEY", "VALUE"}};
  JsonBody object;
  for (const auto& [name, value] : *metadata) {
    if (!key.empty() && name != key) continue;
    rows.push_back({cell(name), cell(value)});
    object.raw(name, json_string(value));
  }
  if (!key.empty() && rows.size() == 1)
    return fail(call.invocation, {Errc::not_found, "read the metadata", key, "machine " + machine.id + " has none"});
  if (call.console().json())
    call.console().print_json_line(object.str());
  else
    call.console().print(rows.size() > 1 ? columns(rows, 0) : "none\n");
  return kExitOk;
}

int metadata(ApiCall& call) {
  if (call.arguments().empty()) return call.misused("no machine is named");
  const MachineRef machine = call.machine(call.arguments().front());
  const std::vector<std::string> words(call.arguments().begin() + 1, call.arguments().end());
  const bool deletes = call.invocation.flag("delete");
  if (words.empty()) return deletes ? call.misused("name the keys to delete") : show_metadata(call, machine, "");
  for (const auto& word : words) {
    const auto equals = word.find('=');
    int status = kExitOk;
    if (deletes)
      status = report(call, call.api.delete_metadata(machine, word, call.limits), "key", word, "deleted");
    else if (equals == std::string::npos)
      status = show_metadata(call, machine, word);
    else
      status =
          report(call, call.api.set_metadata(machine, word.substr(0, equals), word.substr(equals + 1), call.limits),
                 "key", word.substr(0, equals), "set");
    if (status != kExitOk) return status;
  }
  return kExitOk;
}

}  // namespace

std::vector<CommandSpec> machine_detail_commands(const Provider& provider) {
  return {
      {"machines lease",
       "show, take or release the lease on a machine",
       "Who holds the lease is the only one who may change the machine; all commands show MIDAIR_LEASE_NONCE if it is "
       "set. 'take' with it renews the lease.",
       {{"ttl", OptionKind::duration, "TIME", "how long it lasts", "", "2m"},
        {"description", OptionKind::text, "TEXT", "what for, for others to read"},
        {"wait", OptionKind::duration, "TIME", "how long to wait for somebody else's to end", "", "0s"},
        base_url_option()},
       "show|take|release ID",
       {{"midair machines lease show 148ed123456789", "who holds it"},
        {"midair machines lease take 148ed123456789 --ttl 5m --wait 1m", "take it as soon as it is free"}},
       with_api(provider, lease)},
      {"machines metadata",
       "show, set or delete a machine's metadata",
       "KEY shows one value, KEY=VALUE sets it. The machine goes on undisturbed.",
       {{"delete", OptionKind::flag, "", "delete the keys named"}, base_url_option()},
       "ID [KEY[=VALUE]...]",
       {{"midair machines metadata 148ed123456789", "all of it"},
        {"midair machines metadata 148ed123456789 role=db", "set one"},
        {"midair machines metadata 148ed123456789 role --delete", "delete one"}},
       with_api(provider, metadata)},
  };
}

}  // namespace midair::host::machines
