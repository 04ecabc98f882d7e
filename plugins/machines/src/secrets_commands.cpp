#include "command_kit.h"
#include "input.h"

namespace midair::host::machines {

namespace {

constexpr std::uint64_t kMaxSecret = 64 * 1024;

int list(ApiCall& call) {
  const auto secrets = call.api.secrets(call.app, call.limits);
  if (!secrets.ok()) return fail(call.invocation, secrets.error());
  Rows rows{{"NAME", "DIGEST", "CREATED"}};
  std::vector<JsonText> objects;
  for (const auto& secret : *secrets) {
    objects.push_back(secret.json);
    rows.push_back({cell(secret.name), cell(secret.digest), cell(secret.created_at)});
  }
  return print_objects(call, objects, rows);
}

int set(ApiCall& call) {
  if (call.arguments().size() != 1) return call.misused("name one secret; its value comes from standard input");
  const std::string& name = call.arguments().front();
  if (name.find('=') != std::string::npos)
    return call.misused("a value on the command line can be seen by everybody; write it to standard input");
  auto text = read_input("-", kMaxSecret);
  if (!text.ok()) return fail(call.invocation, text.error());
  if (text->ends_with('\n')) text->pop_back();  // echo's
  if (text->empty()) return call.misused("standard input is empty");
  return report(call, call.api.set_secret(call.app, name, Secret(*std::move(text)), call.limits), "secret", name,
                "set");
}

int unset(ApiCall& call) {
  if (call.arguments().empty()) return call.misused("no secret is named");
  int status = kExitOk;
  for (const auto& name : call.arguments()) {
    const bool rehearses = call.invocation.flag("dry-run");
    const auto done = rehearses ? Result<void>() : call.api.unset_secret(call.app, name, call.limits);
    if (const int each = report(call, done, "secret", name, rehearses ? "would unset" : "unset"); each != kExitOk)
      status = each;
  }
  return status;
}

}  // namespace

std::vector<CommandSpec> secrets_commands(const Provider& provider) {
  return {
      {"secrets",
       "list, set and unset the secrets of an app",
       "Machines see a change when they are next updated or restarted.",
       {},
       "",
       {{"midair secrets list", "their names and digests"}},
       {}},
      {"secrets list",
       "list the secrets of an app: names and digests, never values",
       "",
       {base_url_option()},
       "",
       {{"midair secrets list --app web", "all of them"}},
       with_api(provider, list)},
      {"secrets set",
       "set a secret to what standard input says",
       "One line break at its end is taken off.",
       {base_url_option()},
       "NAME",
       {{"midair secrets set DATABASE_URL < url.txt", "from a file"}},
       with_api(provider, set)},
      {"secrets unset",
       "remove secrets",
       "",
       {dry_run_option(), base_url_option()},
       "NAME...",
       {{"midair secrets unset DATABASE_URL", "remove one"}},
       with_api(provider, unset)},
  };
}

}  // namespace midair::host::machines
