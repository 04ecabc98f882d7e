#include <algorithm>
#include <iterator>

#include "commands.h"
#include "midair/release/layout.h"
#include "publish_command.h"

namespace midair::host::hot {

namespace {

int run(const CommandTools& tools, Invocation& invocation) {
  auto request = new_request(invocation);
  if (!request.ok()) return fail(invocation, request.error());
  request->again = invocation.text("to").value_or("");
  if (auto checked = check_version(*request->again); !request->again->empty() && !checked.ok())
    return fail(invocation, checked.error(), kExitUsage);
  return run_upgrade(tools, invocation, *request);
}

}  // namespace

CommandSpec rollback_command(CommandTools tools) {
  CommandSpec command;
  command.name = "rollback";
  command.summary = "go back to an earlier release, which the store still has";
  command.description =
      "Points the fleet at a release that was published before, under a new and higher sequence, and follows each "
      "machine as midair hot does. Nothing is packed or uploaded, and machines fetch nothing that still lies on their "
      "disk, as the release before the current one does.\n\n"
      "Without --to that is the last good release: the newest before the current one that some machine has committed; "
      "if none is known, the newest that has other bytes. Releases of the last ten publications can be named. One of "
      "another base image, or whose tarball is gone, is refused.\n\n" +
      std::string(kPublishingStatuses);
  command.options = {{"to", OptionKind::text, "VERSION", "the release to go back to (default: the last good one)"}};
  std::ranges::move(publishing_options(), std::back_inserter(command.options));
  command.examples = {
      {"midair rollback", "back to the last good release, now"},
      {"midair rollback --dry-run", "see which that is, and which machines it would reach"},
      {"midair rollback --to 1.4.1", "back to that one"},
  };
  command.run = [tools = std::move(tools)](Invocation& invocation) { return run(tools, invocation); };
  return command;
}

}  // namespace midair::host::hot
