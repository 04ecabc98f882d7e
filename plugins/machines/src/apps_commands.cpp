#include "command_kit.h"

namespace midair::host::machines {

namespace {

int print_apps(const ApiCall& call, const std::vector<App>& apps) {
  Rows rows{{"NAME", "ORGANIZATION", "STATUS", "MACHINES", "ID"}};
  std::vector<JsonText> objects;
  for (const auto& app : apps) {
    objects.push_back(app.json);
    rows.push_back(
        {cell(app.name), cell(app.organization), cell(app.status), std::to_string(app.machines), cell(app.id)});
  }
  return print_objects(call, objects, rows);
}

int list(ApiCall& call) {
  const auto apps = call.api.apps(call.invocation.text("org").value_or(""), call.limits);
  return apps.ok() ? print_apps(call, *apps) : fail(call.invocation, apps.error());
}

int get(ApiCall& call) {
  if (call.arguments().size() != 1) return call.misused("name one app");
  const auto app = call.api.app(call.arguments().front(), call.limits);
  return app.ok() ? print_apps(call, {*app}) : fail(call.invocation, app.error());
}

int create(ApiCall& call) {
  if (call.arguments().size() != 1) return call.misused("name one app");
  const auto app = call.api.create_app(call.arguments().front(), call.invocation.text("org").value_or(""), call.limits);
  return app.ok() ? print_apps(call, {*app}) : fail(call.invocation, app.error());
}

int destroy(ApiCall& call) {
  if (call.arguments().size() != 1) return call.misused("name one app");
  const std::string& name = call.arguments().front();
  const auto app = call.api.app(name, call.limits);
  if (!app.ok()) return fail(call.invocation, app.error());
  const std::string what = name + " with its " + std::to_string(app->machines) + " machines";
  if (call.invocation.flag("dry-run")) return report(call, {}, "app", what, "would destroy");
  return report(call, call.api.delete_app(name, call.limits), "app", name, "destroyed");
}

}  // namespace

std::vector<CommandSpec> apps_commands(const Provider& provider) {
  const OptionSpec organization{"org", OptionKind::text, "SLUG", "the organization", "", "personal"};
  return {
      {"apps", "list, make and destroy apps", "", {}, "", {{"midair apps list", "the apps of an organization"}}, {}},
      {"apps list",
       "list the apps of an organization",
       "",
       {organization, base_url_option()},
       "",
       {{"midair apps list --org acme", "those of acme"}},
       with_api(provider, list, NeedsApp::no)},
      {"apps get",
       "show an app",
       "",
       {base_url_option()},
       "APP",
       {{"midair apps get web --json", "all that the API knows of it"}},
       with_api(provider, get, NeedsApp::no)},
      {"apps create",
       "make an app, and wait until it is there",
       "",
       {organization, base_url_option()},
       "NAME",
       {{"midair apps create web --org acme", "an empty app"}},
       with_api(provider, create, NeedsApp::no)},
      {"apps destroy",
       "destroy an app with all its machines",
       "",
       {dry_run_option(), base_url_option()},
       "APP",
       {{"midair apps destroy web --dry-run", "what would go"}},
       with_api(provider, destroy, NeedsApp::no)},
  };
}

}  // namespace midair::host::machines
