/// @file
/// What the commands that publish have in common.
#pragma once

#include <vector>

#include "commands.h"

namespace midair::host::hot {

/// --image, --dry-run, --force, --lock-timeout and --timeout.
[[nodiscard]] std::vector<OptionSpec> publishing_options();

/// A new request, as far as those options, the settings and who calls say.
[[nodiscard]] Result<UpgradeRequest> new_request(const Invocation& invocation);

/// Makes that upgrade, or with --dry-run rehearses it, and prints its events. Returns the exit status.
[[nodiscard]] int run_upgrade(const CommandTools& tools, Invocation& invocation, const UpgradeRequest& request);

/// "Exit status: ...", for --help.
inline constexpr const char* kPublishingStatuses =
    "One publication at a time: a lock in the store sees to that. Exit status: 0 all machines upgraded, 1 not all, 75 "
    "somebody else holds the lock or was quicker, 65 or 66 bad input, 69 trouble with the store, 130 interrupted.";

}  // namespace midair::host::hot
