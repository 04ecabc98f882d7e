#include "command_kit.h"

namespace midair::host::machines {

namespace {

int print_volumes(const ApiCall& call, const std::vector<Volume>& volumes) {
  Rows rows{{"ID", "NAME", "STATE", "SIZE", "REGION", "MACHINE", "CREATED"}};
  std::vector<JsonText> objects;
  for (const auto& volume : volumes) {
    objects.push_back(volume.json);
    rows.push_back({cell(volume.id), cell(volume.name), cell(volume.state), std::to_string(volume.size_gb) + " GB",
                    cell(volume.region), cell(volume.attached_machine), cell(volume.created_at)});
  }
  return print_objects(call, objects, rows);
}

int print_volume(const ApiCall& call, const Result<Volume>& volume) {
  return volume.ok() ? print_volumes(call, {*volume}) : fail(call.invocation, volume.error());
}

int list(ApiCall& call) {
  const auto volumes = call.api.volumes(call.app, call.limits);
  return volumes.ok() ? print_volumes(call, *volumes) : fail(call.invocation, volumes.error());
}

int get(ApiCall& call) {
  if (call.arguments().size() != 1) return call.misused("name one volume");
  return print_volume(call, call.api.volume(call.app, call.arguments().front(), call.limits));
}

int create(ApiCall& call) {
  if (call.arguments().size() != 1) return call.misused("name one volume");
  return print_volume(
      call, call.api.create_volume(call.app, call.arguments().front(), call.invocation.text("region").value_or(""),
                                   call.invocation.integer("size-gb").value_or(1), call.limits));
}

int extend(ApiCall& call) {
  if (call.arguments().size() != 1) return call.misused("name one volume");
  return print_volume(call, call.api.extend_volume(call.app, call.arguments().front(),
                                                   call.invocation.integer("size-gb").value_or(0), call.limits));
}

int destroy(ApiCall& call) {
  if (call.arguments().empty()) return call.misused("no volume is named");
  int status = kExitOk;
  for (const auto& id : call.arguments()) {
    const auto volume = call.api.volume(call.app, id, call.limits);
    int done = kExitOk;
    if (!volume.ok())
      done = fail(call.invocation, volume.error());
    else if (call.invocation.flag("dry-run"))
      done = report(call, {}, "volume", id + " (" + volume->name + ", " + volume->state + ")", "would destroy");
    else
      done = report(call, call.api.delete_volume(call.app, id, call.limits), "volume", id, "destroyed");
    if (done != kExitOk) status = done;
  }
  return status;
}

int snapshots(ApiCall& call) {
  if (call.arguments().size() != 1) return call.misused("name one volume");
  const std::string& id = call.arguments().front();
  if (call.invocation.flag("take"))
    return report(call, call.api.create_snapshot(call.app, id, call.limits), "volume", id, "asked for a snapshot of");
  const auto array = call.api.snapshots(call.app, id, call.limits);
  return array.ok() ? print_array(call, *array, {"id", "status", "size", "created_at"})
                    : fail(call.invocation, array.error());
}

}  // namespace

std::vector<CommandSpec> volumes_commands(const Provider& provider) {
  OptionSpec new_size{"size-gb", OptionKind::integer, "N", "its new size"};
  new_size.required = true;
  return {
      {"volumes", "look at volumes and make them", "", {}, "", {{"midair volumes list", "the volumes of an app"}}, {}},
      {"volumes list",
       "list the volumes of an app",
       "",
       {base_url_option()},
       "",
       {{"midair volumes list --app web", "all of them"}},
       with_api(provider, list)},
      {"volumes get",
       "show a volume",
       "",
       {base_url_option()},
       "VOLUME",
       {{"midair volumes get vol_4xk3 --json", "all that the API knows of it"}},
       with_api(provider, get)},
      {"volumes create",
       "make a volume",
       "",
       {{"size-gb", OptionKind::integer, "N", "its size", "", "1"},
        {"region", OptionKind::text, "REGION", "(default: Fly chooses one)"},
        base_url_option()},
       "NAME",
       {{"midair volumes create data --size-gb 10 --region fra", "ten gigabytes in Frankfurt"}},
       with_api(provider, create)},
      {"volumes extend",
       "make a volume larger",
       "",
       {new_size, base_url_option()},
       "VOLUME",
       {{"midair volumes extend vol_4xk3 --size-gb 20", "it can't be made smaller again"}},
       with_api(provider, extend)},
      {"volumes destroy",
       "destroy volumes and what lies on them",
       "",
       {dry_run_option(), base_url_option()},
       "VOLUME...",
       {{"midair volumes destroy vol_4xk3 --dry-run", "what would go"}},
       with_api(provider, destroy)},
      {"volumes snapshots",
       "list a volume's snapshots, or take one",
       "",
       {{"take", OptionKind::flag, "", "take one now"}, base_url_option()},
       "VOLUME",
       {{"midair volumes snapshots vol_4xk3 --take", "a snapshot, now"}},
       with_api(provider, snapshots)},
  };
}

}  // namespace midair::host::machines
