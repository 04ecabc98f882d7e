/// @file
/// Man pages (man(7) macros), made from the tables of a command line.
#pragma once

#include <string>

#include "midair/manual/program.h"

namespace midair::manual {

/// The page PROGRAM(1): its commands, the options of all of them, its sections, and where its commands have pages.
[[nodiscard]] std::string program_page(const Program& program);

/// All commands on the one page PROGRAM(1), for a program with few of them.
[[nodiscard]] std::string whole_page(const Program& program);

/// The page PROGRAM-COMMAND(1) of a command of the first level; of a group with all its commands.
[[nodiscard]] std::string command_page(const Command& command, const Program& program);

/// `text` as it stands in running text of a page, whatever it holds: no line of it is taken for a macro.
[[nodiscard]] std::string troff_text(const std::string& text);

}  // namespace midair::manual
