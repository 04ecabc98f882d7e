#include "midair/manual/help.h"

#include <algorithm>
#include <cctype>
#include <sstream>

namespace midair::manual {

namespace {

using Rows = std::vector<std::pair<std::string, std::string>>;

std::string table(const Rows& rows) {
  std::size_t width = 0;
  for (const auto& row : rows) width = std::max(width, row.first.size());
  std::string text;
  for (const auto& [term, what] : rows)
    text.append("  " + term).append(width - term.size() + 2, ' ').append(what).append("\n");
  return text;
}

std::string options(const std::vector<Option>& options) {
  Rows rows;
  for (const auto& option : options) rows.emplace_back(synopsis_of(option), help_of(option));
  return table(rows);
}

std::string commands(const std::vector<Command>& commands) {
  Rows rows;
  for (const auto& command : commands) rows.emplace_back(short_name(command.name), command.summary);
  return table(rows);
}

/// One line of words with line breaks after at most 80 columns.
std::string wrapped_line(const std::string& line) {
  constexpr std::size_t kWidth = 80;
  std::istringstream words(line);
  std::string text;
  std::size_t column = 0;
  for (std::string word; words >> word; text += word) {
    const bool fits = column + 1 + word.size() <= kWidth;
    if (column > 0) text += fits ? " " : "\n";
    column = (fits && column > 0 ? column + 1 : 0) + word.size();
  }
  return text;
}

/// `text` broken between words; its own line breaks stay.
std::string wrapped(const std::string& text) {
  std::istringstream lines(text);
  std::string result;
  for (std::string line; std::getline(lines, line);) result += wrapped_line(line) + "\n";
  return result;
}

std::string capitalised(std::string text) {
  if (!text.empty()) text.front() = static_cast<char>(std::toupper(static_cast<unsigned char>(text.front())));
  return text;
}

}  // namespace

std::string general_help(const Program& program) {
  return capitalised(program.name) + ": " + program.summary + ".\n\nUsage: " + general_usage(program) +
         "\n\nCommands:\n" + commands(members_of("", program)) + "\nOptions, before or after the command:\n" +
         options(program.options) + "\n" + program.name +
         " help COMMAND shows a command's own options, with examples.\n";
}

std::string command_help(const Command& command, const Program& program) {
  std::string text =
      program.name + " " + command.name + ": " + command.summary + "\n\nUsage: " + usage_of(command, program) + "\n";
  if (!command.description.empty()) text += "\n" + wrapped(command.description);
  if (command.is_group) text += "\nCommands:\n" + commands(members_of(command.name, program));
  if (!command.options.empty()) text += "\nOptions:\n" + options(command.options);
  text += "\nOptions of every command:\n" + options(program.options);
  if (!command.examples.empty()) text += "\nExamples:\n";
  for (const auto& [line, what] : command.examples) text.append("  " + line + "\n      ").append(what).append("\n");
  return text;
}

}  // namespace midair::manual
