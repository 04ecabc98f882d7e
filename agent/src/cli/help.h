/// @file
/// Help texts, made from the command tables.
#pragma once

#include <Poco/JSON/Object.h>

#include <string>
#include <vector>

#include "midair/host/plugin.h"
#include "midair/manual/program.h"

namespace midair::host {

/// One command in words; the global options aren't among its own.
[[nodiscard]] manual::Command manual_of(const CommandSpec& command);
/// midair in words: `commands` (all of them), the global options, exit statuses and files.
[[nodiscard]] manual::Program manual_of(const std::vector<const CommandSpec*>& commands);

/// "midair hot --from DIR [OPTIONS]", "midair machines COMMAND [OPTIONS] [ARGUMENTS]".
[[nodiscard]] std::string usage_of(const CommandSpec& command);
/// "midair [OPTIONS] COMMAND [ARGUMENTS]".
[[nodiscard]] std::string general_usage();

/// What `midair --help` prints. `commands`: all of them.
[[nodiscard]] std::string general_help(const std::vector<const CommandSpec*>& commands);
/// What `midair help COMMAND` prints; for a group with a table of those of `commands` that are its members.
[[nodiscard]] std::string help_of(const CommandSpec& command, const std::vector<const CommandSpec*>& commands);
/// What `midair help --man [COMMAND]` prints: the page of midair, or of a command of the first level. Null: midair's.
[[nodiscard]] std::string man_page_of(const CommandSpec* command, const std::vector<const CommandSpec*>& commands);
/// The same for machines.
[[nodiscard]] Poco::JSON::Object::Ptr describe(const CommandSpec& command);

}  // namespace midair::host
