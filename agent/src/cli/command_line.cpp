#include "cli/command_line.h"

#include <Poco/StringTokenizer.h>
#include <CLI/CLI.hpp>

#include <algorithm>

#include "midair/foreign_text.h"
#include "midair/manual/suggestion.h"

namespace midair::host {

namespace {

Error misunderstood(std::string subject, std::string cause, std::string hint = {}) {
  return {Errc::bad_input, "understand", std::move(subject), std::move(cause), std::move(hint)};
}

/// CLI11 with the options of our tables; values are collected as texts and checked by us.
class Parser {
 public:
  explicit Parser(const std::vector<OptionSpec>& options) {
    app_.set_help_flag();
    app_.allow_extras();
    for (const auto& option : options) add(option);
  }

  void add(const OptionSpec& option) {
    const std::string name = option.name == "help" ? "-h,--help" : "--" + option.name;
    if (option.kind == OptionKind::flag) {
      app_.add_flag(name, flags_[option.name]);
    } else {
      CLI::Option* added = app_.add_option(name, line_.texts[option.name])->allow_extra_args(false);
      if (!option.repeatable) added->expected(1);
    }
  }

  void collect_arguments() { app_.add_option("arguments", line_.arguments); }

  /// The command line without what CLI11 didn't know; that is in unknown().
  Result<CommandLine> parse(std::vector<std::string> args) {
    std::reverse(args.begin(), args.end());  // as CLI11 wants it
    try {
      app_.parse(args);
    } catch (const CLI::ParseError& failure) {
      return misunderstood("the command line", failure.what());
    }
    std::erase_if(line_.texts, [](const auto& entry) { return entry.second.empty(); });
    for (const auto& [name, values] : line_.texts)
      for (const auto& value : values)
        if (value.starts_with("--")) return misunderstood("--" + name, "its value is missing: " + value + " follows");
    for (const auto& [name, given] : flags_)
      if (given) line_.flags.insert(name);
    return line_;
  }

  [[nodiscard]] std::vector<std::string> unknown() const {
    auto rest = app_.remaining();
    std::erase(rest, "--");
    return rest;
  }

 private:
  CLI::App app_;
  CommandLine line_;
  std::map<std::string, bool> flags_;
};

Error unknown_option(const std::string& given, const CommandSpec& command) {
  const std::string name = given.substr(0, given.find('='));
  std::vector<std::string> candidates;
  for (const auto& option : command.options) candidates.push_back("--" + option.name);
  for (const auto& option : global_options()) candidates.push_back("--" + option.name);
  return misunderstood(name, "midair " + command.name + " has no such option",
                       manual::nearest(name, candidates).value_or("midair help " + command.name));
}

Result<void> check_choice(const OptionSpec& option, const std::string& text) {
  if (option.values.empty() || std::ranges::find(option.values, text) != option.values.end()) return {};
  std::string choices;
  for (const auto& value : option.values) choices += (choices.empty() ? "" : ", ") + value;
  const auto guess = manual::nearest(text, option.values);
  return misunderstood("--" + option.name, "'" + printable(text) + "' is none of " + choices,
                       guess ? "--" + option.name + " " + *guess : "");
}

Result<void> check_values(const CommandLine& line, const std::vector<OptionSpec>& options) {
  for (const auto& option : options) {
    const auto text = line.text(option.name);
    if (!text) continue;
    if (const auto checked = check_value(option.kind, *text); !checked.ok())
      return misunderstood("--" + option.name, checked.error().cause, checked.error().hint);
    MIDAIR_TRY(check_choice(option, *text));
  }
  return {};
}

/// Where the arguments go on after the words of `name`; nothing if they don't begin with them.
std::optional<std::vector<std::string>::const_iterator> end_of_name(const std::vector<std::string>& arguments,
                                                                    const std::string& name) {
  const Poco::StringTokenizer words(name, " ");
  if (arguments.size() < words.count() || !std::equal(words.begin(), words.end(), arguments.begin()))
    return std::nullopt;
  return arguments.begin() + static_cast<std::ptrdiff_t>(words.count());
}

}  // namespace

std::optional<std::string> CommandLine::text(const std::string& name) const {
  const auto given = texts.find(name);
  return given == texts.end() ? std::nullopt : std::optional(given->second.back());
}

Result<CommandLine> parse_global_options(const std::vector<std::string>& args) {
  Parser parser(global_options());
  auto ours = args;
  std::erase_if(ours, [](const auto& arg) { return arg.starts_with("--version="); });  // a command's: ours is a flag
  MIDAIR_TRY_ASSIGN(CommandLine line, parser.parse(std::move(ours)));
  const auto rest = parser.unknown();
  if (rest.empty()) return line;
  if (rest.front().starts_with('-')) {
    std::vector<std::string> candidates;
    for (const auto& option : global_options()) candidates.push_back("--" + option.name);
    const std::string name = rest.front().substr(0, rest.front().find('='));
    return misunderstood(name, "midair has no such option; a command's options follow its name",
                         manual::nearest(name, candidates).value_or("midair --help"));
  }
  line.command = rest.front();
  line.arguments.assign(rest.begin() + 1, rest.end());
  return line;
}

Result<CommandLine> parse_command_line(const std::vector<std::string>& args, const CommandSpec& command) {
  Parser parser(global_options_of(command));
  for (const auto& option : command.options) parser.add(option);
  parser.collect_arguments();
  MIDAIR_TRY_ASSIGN(CommandLine line, parser.parse(args));
  if (const auto unknown = parser.unknown(); !unknown.empty()) return unknown_option(unknown.front(), command);
  MIDAIR_TRY(check_values(line, global_options_of(command)));
  MIDAIR_TRY(check_values(line, command.options));
  const auto name_end = end_of_name(line.arguments, command.name);
  if (!name_end)  // an option took a word of it for its value
    return misunderstood("the command line", "the options of midair " + command.name + " follow its name");
  line.command = command.name;
  line.arguments.erase(line.arguments.begin(), *name_end);
  if (command.arguments.empty() && !line.arguments.empty())
    return misunderstood("'" + line.arguments.front() + "'", "midair " + command.name + " takes no arguments",
                         "midair help " + command.name);
  return line;
}

}  // namespace midair::host
