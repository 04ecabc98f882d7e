/// @file
/// What a program's command line is, in words: what man pages and completion scripts are made of.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace midair::manual {

/// One option: `--name`, or `--name VALUE` where it has a value_name.
struct Option {
  std::string name;        ///< without dashes
  std::string value_name;  ///< empty: a flag. DIR, FILE, APP and what `values` lists are completed
  std::string help;
  std::string fallback{};             ///< what counts where it isn't given; may be empty
  std::string setting{};              ///< what else gives the value, as it is shown: "setting app", "MIDAIR_APP"
  std::vector<std::string> values{};  ///< all that it may be; empty: anything
  bool required = false;
};

/// One command, or a group of commands: "machines" is the group of "machines list".
struct Command {
  std::string name;
  std::string summary;      ///< one line, without a full stop
  std::string description;  ///< paragraphs, separated by empty lines
  std::vector<Option> options{};
  /// Synopsis of what follows. Completed are "a|b|c", ID (a machine), APP, [COMMAND] (of this program) and
  /// PROGRAM (any other, with its own arguments after it).
  std::string arguments{};
  std::vector<std::pair<std::string, std::string>> examples{};  ///< command line, what it does
  bool is_group = false;
};

/// A titled paragraph or table of a man page.
struct Section {
  std::string title;  ///< "EXIT STATUS"
  std::string text{};
  std::vector<std::pair<std::string, std::string>> rows{};  ///< term, what it means
};

struct Program {
  std::string name;     ///< "midair-sidecar"
  std::string version;  ///< "1.2.3"
  std::string summary;  ///< one line, without a full stop
  std::string description;
  std::vector<Option> options;    ///< of every command
  std::vector<Command> commands;  ///< in order of their names, a group before its commands
  std::vector<Section> sections;  ///< at the end of the program's own page
};

/// The group that a command's name puts it into: "machines" for "machines list", empty for "hot".
[[nodiscard]] std::string group_of(const std::string& name);
/// A command's name inside of its group: "list" for "machines list", "hot" for "hot".
[[nodiscard]] std::string short_name(const std::string& name);
/// The commands in the group of that name; in the empty one are groups and commands of the first level.
[[nodiscard]] std::vector<Command> members_of(const std::string& group, const Program& program);

/// "--from DIR", or "--json" of a flag.
[[nodiscard]] std::string synopsis_of(const Option& option);
/// "the address (default: x; one of a, b) [setting store]": an option's help with all that is known of its value.
[[nodiscard]] std::string help_of(const Option& option);
/// "midair hot --from DIR [OPTIONS]", "midair machines COMMAND [OPTIONS] [ARGUMENTS]".
[[nodiscard]] std::string usage_of(const Command& command, const Program& program);
/// "midair [OPTIONS] COMMAND [ARGUMENTS]".
[[nodiscard]] std::string general_usage(const Program& program);

}  // namespace midair::manual
