#include <algorithm>
#include <iterator>

#include "commands.h"
#include "midair/release/manifest.h"
#include "publish_command.h"
#include "release_list.h"

namespace midair::host::hot {

namespace {

PackOptions packing_of(const Invocation& invocation) {
  return {.strategy = invocation.text("strategy"),
          .exclude = invocation.texts("exclude"),
          .include = invocation.texts("include"),
          .keep_mtimes = invocation.flag("keep-mtimes")};
}

int run_list(const Invocation& invocation) {
  const auto printed = print_release_list(invocation.text("from").value_or(""), packing_of(invocation),
                                          invocation.console(), invocation.stop());
  return printed.ok() ? kExitOk : fail(invocation, printed.error());
}

int run(const CommandTools& tools, Invocation& invocation) {
  if (invocation.flag("list")) return run_list(invocation);
  auto request = new_request(invocation);
  if (!request.ok()) return fail(invocation, request.error());
  request->from = invocation.text("from").value_or("");
  request->version = invocation.text("version");
  request->packing = packing_of(invocation);
  return run_upgrade(tools, invocation, *request);
}

}  // namespace

CommandSpec hot_command(CommandTools tools) {
  CommandSpec command;
  command.name = "hot";
  command.summary = "publish a release and watch the running machines take it";
  command.description =
      "Packs DIR into a release, uploads it, points the fleet at it and follows each machine until it has swapped its "
      "code, or could not. Nothing is restarted and no request is dropped.\n\n"
      "Left out of the release are .git, midair.yaml, .env* and .midairignore, and what matches a pattern in a "
      ".midairignore of DIR or of a directory below it. The patterns are gitignore's: a line '!.env.production' takes "
      "that file in all the same. A .dockerignore is not used.\n\n" +
      std::string(kPublishingStatuses);
  command.options = {
      {"from", OptionKind::text, "DIR", "the directory to publish", {}, {}, true},
      {"version", OptionKind::text, "V",
       "the release's name (default: version in DIR/midair.json, else time and upgrade id)"},
      {"strategy",
       OptionKind::text,
       "S",
       "how machines take it over (default: strategy in DIR/midair.json, else handover)",
       {},
       {},
       false,
       {kStrategies.begin(), kStrategies.end()}},
      {"keep-mtimes",
       OptionKind::flag,
       {},
       "let files keep their modification times; else all have the same, so that every checkout gives the same "
       "release"},
      {"exclude",
       OptionKind::text,
       "PATTERN",
       "leave out what matches, as a line of .midairignore would; may be repeated",
       {},
       {},
       false,
       {},
       true},
      {"include",
       OptionKind::text,
       "PATTERN",
       "pack what matches in spite of --exclude, .midairignore and the defaults; may be repeated",
       {},
       {},
       false,
       {},
       true},
      {"list", OptionKind::flag, {}, "print what would be packed, with sizes, and what not; needs no app and no store"},
  };
  std::ranges::move(publishing_options(), std::back_inserter(command.options));
  command.examples = {
      {"midair hot --from build/release", "publish a directory"},
      {"midair hot --from build/release --list --exclude '*.map'", "see what would be packed"},
      {"midair hot --from build/release --dry-run", "see which machines it would reach"},
      {"midair hot --from build/release --version 1.4.2 --json", "publish from CI, one JSON event per line"},
  };
  command.run = [tools = std::move(tools)](Invocation& invocation) { return run(tools, invocation); };
  return command;
}

}  // namespace midair::host::hot
