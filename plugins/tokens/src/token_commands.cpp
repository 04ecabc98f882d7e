#include "token_commands.h"

#include <algorithm>

#include "midair/host/command_support.h"
#include "midair/json/json.h"
#include "secret_input.h"
#include "token_view.h"

namespace midair::host::tokens {

namespace {

using Service = std::shared_ptr<TokenService>;

const OptionSpec kReveal{"reveal", OptionKind::flag, {}, "show tokens in full"};

Reveal reveal_of(const Invocation& invocation) { return invocation.flag("reveal") ? Reveal::yes : Reveal::no; }

void print(const Invocation& invocation, const std::string& app, const ApiToken& token) {
  Console& console = invocation.console();
  if (console.json()) return console.print_json_line(to_json(app, token, reveal_of(invocation)));
  console.print(to_text(app, token, reveal_of(invocation)));
}

/// What a command did, where there is nothing else to show.
int done(const Invocation& invocation, const std::string& app, const std::string& what) {
  Console& console = invocation.console();
  if (!console.json()) {
    console.print(what + "\n");
    return kExitOk;
  }
  Poco::JSON::Object object;
  object.set("app", app);
  object.set("done", what);
  console.print_json_line(to_canonical_json(object));
  return kExitOk;
}

/// `run` for the app that the command is for, its error told.
std::function<int(Invocation&)> for_app(std::function<Result<int>(Invocation&, const std::string& app)> run) {
  return [run = std::move(run)](Invocation& invocation) {
    const auto app = app_of(invocation);
    if (!app.ok()) return fail(invocation, app.error());
    const auto status = run(invocation, *app);
    return status.ok() ? *status : fail(invocation, status.error());
  };
}

CommandSpec group() {
  CommandSpec command;
  command.name = "tokens";
  command.summary = "tokens for the Fly API: where they come from, where they are kept";
  command.description =
      "For each app the first source that has a token wins: what is stored, FLY_ACCESS_TOKEN or FLY_API_TOKEN, "
      "flyctl's "
      "config.yml, 'fly tokens create readonly', a token set by hand. The setting tokens.sources changes that.";
  command.examples = {{"midair tokens list", "what is kept, masked"},
                      {"midair tokens get --app my-app", "which token would be used, and from where"}};
  return command;
}

CommandSpec get_command(const Service& service) {
  CommandSpec command;
  command.name = "tokens get";
  command.summary = "show which token an app gets, and from where";
  command.description = "Looks for a token as every other command does. It is masked unless --reveal is given.";
  command.options = {kReveal};
  command.examples = {{"midair tokens get --app web", "its kind, source and end"},
                      {"midair tokens get --app web --reveal", "the token alone, for a pipe"}};
  command.run = for_app([service](Invocation& invocation, const std::string& app) -> Result<int> {
    MIDAIR_TRY_ASSIGN(const auto token, service->chain().token(app, {.stop = invocation.stop()}));
    print(invocation, app, *token);
    return kExitOk;
  });
  return command;
}

CommandSpec refresh_command(const Service& service) {
  CommandSpec command;
  command.name = "tokens refresh";
  command.summary = "forget an app's token and get a new one";
  command.description = "The old token is gone from the store before the new one is looked for.";
  command.options = {kReveal};
  command.examples = {{"midair tokens refresh --app web", "after permissions have changed"}};
  command.run = for_app([service](Invocation& invocation, const std::string& app) -> Result<int> {
    MIDAIR_TRY_ASSIGN(const auto token, service->chain().refresh(app, {.stop = invocation.stop()}));
    print(invocation, app, *token);
    return kExitOk;
  });
  return command;
}

CommandSpec list_command(const Service& service) {
  CommandSpec command;
  command.name = "tokens list";
  command.summary = "list the tokens that are stored";
  command.description = "Of all apps. Tokens are masked unless --reveal is given.";
  command.options = {kReveal};
  command.examples = {{"midair tokens list", "a table"}, {"midair tokens list --json", "one JSON object per token"}};
  command.run = [service](Invocation& invocation) {
    const auto entries = service->store().list({.stop = invocation.stop()});
    if (!entries.ok()) return fail(invocation, entries.error());
    Console& console = invocation.console();
    if (!console.json()) console.print(to_text(*entries, reveal_of(invocation)));
    if (console.json())
      for (const auto& entry : *entries) console.print_json_line(to_json(entry, reveal_of(invocation)));
    return static_cast<int>(kExitOk);
  };
  return command;
}

Result<int> set_token(TokenService& service, Invocation& invocation, const std::string& app) {
  MIDAIR_TRY_ASSIGN(const Secret text, read_secret("Token for " + app + ": ", invocation.stop()));
  MIDAIR_TRY_ASSIGN(const ApiToken token, parse_token(text.reveal(), "set by hand"));
  const StoredToken stored{token.text, token.source, system_clock().wall(), std::nullopt};
  MIDAIR_TRY(service.store().put(app, TokenSlot::manual, stored, {.stop = invocation.stop()}));
  return done(invocation, app, "stored " + mask(token.text) + " for " + app + " in " + service.store().name());
}

CommandSpec set_command(const Service& service) {
  CommandSpec command;
  command.name = "tokens set";
  command.summary = "keep a token that is used where no other source has one";
  command.description =
      "Reads the token from standard input, or asks for it without showing it. Never from the command line, which "
      "every\n"
      "user of this host can read. 'Bearer' and 'FlyV1' in front of it don't matter; one that was cut short is "
      "refused.";
  command.examples = {{"midair tokens set --app web", "asks for it"},
                      {"fly tokens create deploy -a web | midair tokens set --app web", "from a pipe"}};
  command.run = for_app(
      [service](Invocation& invocation, const std::string& app) { return set_token(*service, invocation, app); });
  return command;
}

CommandSpec invalidate_command(const Service& service) {
  CommandSpec command;
  command.name = "tokens invalidate";
  command.summary = "forget an app's token, but not one set by hand";
  command.description = "The next command gets a new one.";
  command.examples = {{"midair tokens invalidate --app web", "forget it"}};
  command.run = for_app([service](Invocation& invocation, const std::string& app) -> Result<int> {
    MIDAIR_TRY(service->chain().invalidate(app, {.stop = invocation.stop()}));
    return done(invocation, app, "forgot the token of " + app);
  });
  return command;
}

CommandSpec delete_command(const Service& service) {
  CommandSpec command;
  command.name = "tokens delete";
  command.summary = "remove all that is stored for an app, also what was set by hand";
  command.description = "It is removed here only; 'fly tokens revoke' makes a token worthless everywhere.";
  command.examples = {{"midair tokens delete --app web", "remove it"}};
  command.run = for_app([service](Invocation& invocation, const std::string& app) -> Result<int> {
    const CallLimits limits{.stop = invocation.stop()};
    MIDAIR_TRY(service->chain().invalidate(app, limits));
    MIDAIR_TRY(service->store().remove(app, TokenSlot::acquired, limits));
    MIDAIR_TRY(service->store().remove(app, TokenSlot::manual, limits));
    return done(invocation, app, "removed the tokens of " + app);
  });
  return command;
}

}  // namespace

std::vector<CommandSpec> token_commands(const Service& service) {
  return {group(),
          get_command(service),
          list_command(service),
          set_command(service),
          refresh_command(service),
          invalidate_command(service),
          delete_command(service)};
}

}  // namespace midair::host::tokens
