/// @file
/// Help texts, made from the command tables.
#pragma once

#include <Poco/JSON/Object.h>

#include <string>
#include <vector>

#include "midair/host/plugin.h"

namespace midair::host {

/// "midair hot --from DIR [OPTIONS]", "midair machines COMMAND [OPTIONS] [ARGUMENTS]".
[[nodiscard]] std::string usage_of(const CommandSpec& command);
/// "midair [OPTIONS] COMMAND [ARGUMENTS]".
[[nodiscard]] std::string general_usage();

/// What `midair --help` prints. `commands`: all of them.
[[nodiscard]] std::string general_help(const std::vector<const CommandSpec*>& commands);
/// What `midair help COMMAND` prints; for a group with a table of those of `commands` that are its members.
[[nodiscard]] std::string help_of(const CommandSpec& command, const std::vector<const CommandSpec*>& commands);
/// The same for machines.
[[nodiscard]] Poco::JSON::Object::Ptr describe(const CommandSpec& command);

}  // namespace midair::host
