#include "cli/help.h"

#include <Poco/JSON/Array.h>
#include <Poco/String.h>
#include <Poco/StringTokenizer.h>

#include <algorithm>

#include "host/command_table.h"
#include "midair/host/command_support.h"

namespace midair::host {

namespace {

std::string synopsis(const OptionSpec& option) {
  const std::string value = option.value_name.empty() ? "VALUE" : option.value_name;
  return "--" + option.name + (option.kind == OptionKind::flag ? "" : " " + value);
}

/// `text` with lines of at most 80 columns, broken between words; its own line breaks stay.
std::string wrapped(const std::string& text) {
  constexpr std::size_t kWidth = 80;
  std::string result;
  std::size_t column = 0;
  for (const auto& word :
       Poco::StringTokenizer(Poco::replace(text, "\n", " \n "), " ", Poco::StringTokenizer::TOK_IGNORE_EMPTY)) {
    const bool breaks = word == "\n";
    const bool fits = column + 1 + word.size() <= kWidth;
    if (column > 0 && !breaks) result += fits ? " " : "\n";
    column = breaks ? 0 : (fits && column > 0 ? column + 1 : 0) + word.size();
    result += word;
  }
  return result;
}

std::string option_rows(const std::vector<OptionSpec>& options) {
  std::vector<std::vector<std::string>> rows;
  for (const auto& option : options) {
    std::string help = option.help;
    if (!option.fallback.empty()) help += " (default: " + option.fallback + ")";
    if (!option.config_key.empty()) help += " [setting " + option.config_key + "]";
    rows.push_back({synopsis(option), help});
  }
  return columns(rows, 2);
}

std::string command_rows(const std::vector<const CommandSpec*>& commands) {
  std::vector<std::vector<std::string>> rows;
  rows.reserve(commands.size());
  for (const auto* command : commands) rows.push_back({short_name(command->name), command->summary});
  return columns(rows, 2);
}

}  // namespace

std::string usage_of(const CommandSpec& command) {
  std::string usage = "midair " + command.name;
  if (is_group(command)) return usage + " COMMAND [OPTIONS] [ARGUMENTS]";
  for (const auto& option : command.options)
    if (option.required) usage += " " + synopsis(option);
  usage += " [OPTIONS]";
  return command.arguments.empty() ? usage : usage + " " + command.arguments;
}

std::string general_usage() { return "midair [OPTIONS] COMMAND [ARGUMENTS]"; }

std::string general_help(const std::vector<const CommandSpec*>& commands) {
  return "Midair: hot code upgrades for apps on Fly.io.\n\nUsage: " + general_usage() + "\n\nCommands:\n" +
         command_rows(members_of("", commands)) + "\nOptions, before or after the command:\n" +
         option_rows(global_options()) + "\nmidair help COMMAND shows a command's own options, with examples.\n";
}

std::string help_of(const CommandSpec& command, const std::vector<const CommandSpec*>& commands) {
  std::string text = "midair " + command.name + ": " + command.summary + "\n\nUsage: " + usage_of(command) + "\n";
  if (!command.description.empty()) text += "\n" + wrapped(command.description) + "\n";
  if (is_group(command)) text += "\nCommands:\n" + command_rows(members_of(command.name, commands));
  if (!command.options.empty()) text += "\nOptions:\n" + option_rows(command.options);
  text += "\nOptions of every command:\n" + option_rows(global_options_of(command));
  if (!command.examples.empty()) text += "\nExamples:\n";
  for (const auto& [line, what] : command.examples) text.append("  " + line + "\n      ").append(what).append("\n");
  return text;
}

Poco::JSON::Object::Ptr describe(const CommandSpec& command) {
  static const char* const kinds[] = {"flag", "text", "integer", "duration"};
  Poco::JSON::Array::Ptr options = new Poco::JSON::Array;
  for (const auto& option : command.options) {
    Poco::JSON::Object::Ptr entry = new Poco::JSON::Object;
    entry->set("name", option.name);
    entry->set("kind", kinds[static_cast<int>(option.kind)]);
    entry->set("help", option.help);
    entry->set("required", option.required);
    if (!option.fallback.empty()) entry->set("default", option.fallback);
    if (!option.config_key.empty()) entry->set("setting", option.config_key);
    options->add(entry);
  }
  Poco::JSON::Array::Ptr examples = new Poco::JSON::Array;
  for (const auto& [line, what] : command.examples) {
    Poco::JSON::Object::Ptr entry = new Poco::JSON::Object;
    entry->set("command", line);
    entry->set("what", what);
    examples->add(entry);
  }
  Poco::JSON::Object::Ptr object = new Poco::JSON::Object;
  object->set("name", command.name);
  object->set("summary", command.summary);
  object->set("usage", usage_of(command));
  object->set("description", command.description);
  object->set("options", options);
  object->set("examples", examples);
  return object;
}

}  // namespace midair::host
