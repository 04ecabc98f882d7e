#include "cli/help.h"

#include <Poco/JSON/Array.h>

#include "host/command_table.h"
#include "midair/host/command_support.h"
#include "midair/manual/help.h"
#include "midair/manual/man_page.h"

namespace midair::host {

namespace {

manual::Option manual_of(const OptionSpec& option) {
  const bool flag = option.kind == OptionKind::flag;
  return {option.name,     flag ? "" : (option.value_name.empty() ? "VALUE" : option.value_name), option.help,
          option.fallback, option.config_key.empty() ? "" : "setting " + option.config_key,       option.values,
          option.required};
}

std::vector<manual::Option> manual_of(const std::vector<OptionSpec>& options) {
  std::vector<manual::Option> words;
  words.reserve(options.size());
  for (const auto& option : options) words.push_back(manual_of(option));
  return words;
}

manual::Section exit_statuses() {
  return {"EXIT STATUS",
          "",
          {{"0", "done"},
           {"1", "done, but not everywhere"},
           {"64", "wrong command line"},
           {"65", "unusable release, file or object"},
           {"66", "a named file or directory is missing"},
           {"69", "store or service unavailable"},
           {"70", "a bug of midair"},
           {"73", "cannot create: the disk or quota is full"},
           {"74", "input or output failed"},
           {"75", "try later: somebody else holds the lock"},
           {"77", "denied"},
           {"78", "wrong settings"},
           {"130", "interrupted"},
           {"141", "nobody read standard output to the end"}}};
}

manual::Section files() {
  return {"FILES",
          "",
          {{"./midair.yaml", "settings, unless --config or MIDAIR_CONFIG names another file"},
           {"./fly.toml", "the app's name, and in [env] settings by the names of their environment variables"}}};
}

Poco::JSON::Array::Ptr array_of(const std::vector<std::string>& words) {
  Poco::JSON::Array::Ptr array = new Poco::JSON::Array;
  for (const auto& word : words) array->add(word);
  return array;
}

/// `command` as it stands among what every command understands: a name that it uses itself isn't shown twice.
manual::Program manual_around(const CommandSpec& command, const std::vector<const CommandSpec*>& commands) {
  auto program = manual_of(commands);
  program.options = manual_of(global_options_of(command));
  return program;
}

}  // namespace

manual::Command manual_of(const CommandSpec& command) {
  return {command.name,      command.summary,  command.description, manual_of(command.options),
          command.arguments, command.examples, is_group(command)};
}

manual::Program manual_of(const std::vector<const CommandSpec*>& commands) {
  manual::Program program{
      "midair",
      MIDAIR_BUILD_VERSION,
      "hot code upgrades for apps on Fly.io",
      "midair publishes a release of an app to an object store and follows the app's machines while "
      "each of them swaps its code without dropping a request. The machines run midair-sidecar(1).\n\n"
      "Settings come from, the first that gives a value wins: command line, environment, "
      "midair.yaml, fly.toml, defaults. 'midair config show' prints each with its origin.",
      manual_of(global_options()),
      {},
      {exit_statuses(), files()}};
  for (const auto* command : commands) program.commands.push_back(manual_of(*command));
  return program;
}

std::string usage_of(const CommandSpec& command) {
  return manual::usage_of(manual_of(command), manual_of(std::vector<const CommandSpec*>()));
}

std::string general_usage() { return manual::general_usage(manual_of(std::vector<const CommandSpec*>())); }

std::string general_help(const std::vector<const CommandSpec*>& commands) {
  return manual::general_help(manual_of(commands));
}

std::string help_of(const CommandSpec& command, const std::vector<const CommandSpec*>& commands) {
  return manual::command_help(manual_of(command), manual_around(command, commands));
}

std::string man_page_of(const CommandSpec* command, const std::vector<const CommandSpec*>& commands) {
  if (command == nullptr) return manual::program_page(manual_of(commands));
  return manual::command_page(manual_of(*command), manual_around(*command, commands));
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
    if (!option.values.empty()) entry->set("values", array_of(option.values));
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
