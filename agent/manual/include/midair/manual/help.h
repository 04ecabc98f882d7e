/// @file
/// Help texts for a terminal, made from the tables of a command line.
#pragma once

#include <string>

#include "midair/manual/program.h"

namespace midair::manual {

/// What `PROGRAM --help` prints.
[[nodiscard]] std::string general_help(const Program& program);
/// What `PROGRAM help COMMAND` prints; for a group with a table of its commands.
[[nodiscard]] std::string command_help(const Command& command, const Program& program);

}  // namespace midair::manual
