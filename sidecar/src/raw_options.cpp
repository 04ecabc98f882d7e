#include "raw_options.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <string_view>

#include "command_table.h"
#include "midair/fault.h"
#include "midair/manual/suggestion.h"

namespace midair::sidecar {

namespace {

/// Options that may be given several times, or once with commas.
constexpr std::array<std::string_view, 5> kLists{"listen", "port", "unix", "writable", "writable-fresh"};

/// CLI11 with the options of the command table.
class Parser {
 public:
  explicit Parser(const manual::Command& command) {
    app_.set_help_flag();
    for (const auto& option : command.options) add(option);
    for (const auto& option : command_table().options) add(option);
    if (!command.arguments.empty()) app_.add_option("arguments", raw_.arguments);
    if (command.name != "run") return;
    app_.get_option("--ready-tcp")->excludes("--ready-http");
    if (kFaultsCompiledIn) app_.add_flag("--list-faults", raw_.flags["list-faults"]);
  }

  /// Errc::bad_input in CLI11's own words.
  Result<RawOptions> parse(std::vector<std::string> args) {
    std::reverse(args.begin(), args.end());  // as CLI11 wants it
    try {
      app_.parse(args);
    } catch (const CLI::ParseError& failure) {
      return Error{Errc::bad_input, "understand", "the command line", failure.what()};
    }
    return raw_;
  }

 private:
  void add(const manual::Option& option) {
    const std::string name = option.name == "help" ? "-h,--help" : "--" + option.name;
    CLI::Option* added = nullptr;
    if (option.value_name.empty()) {
      added = app_.add_flag(name, raw_.flags[option.name]);
    } else {
      auto& texts = raw_.texts[option.name];
      if (!option.fallback.empty()) texts = {option.fallback};
      added = app_.add_option(name, texts)->allow_extra_args(false);
      if (std::ranges::find(kLists, option.name) != kLists.end())
        added->delimiter(',');
      else if (option.name != "ready-header")
        added->expected(1);
    }
    added->envname(option.setting);
  }

  CLI::App app_;
  RawOptions raw_;
};

/// The nearest name to what is unknown in `args`, else where help is.
std::string hint_for(const manual::Command& command, const Args& args) {
  Args names;
  for (const auto* options : {&command.options, &command_table().options})
    for (const auto& option : *options) names.push_back("--" + option.name);
  for (auto arg = args.begin(); arg != end_of_options(args); ++arg) {
    const std::string name = arg->substr(0, arg->find('='));
    if (!name.starts_with("--") || std::ranges::find(names, name) != names.end()) continue;
    if (const auto guess = manual::nearest(name, names)) return *guess;
  }
  return "midair-sidecar help " + command.name;
}

}  // namespace

Args::const_iterator end_of_options(const Args& args) { return std::find(args.begin(), args.end(), "--"); }

Result<RawOptions> parse_options(const manual::Command& command, const Args& args) {
  auto raw = Parser(command).parse(args);
  if (raw) return raw;
  Error error = raw.error();
  error.hint = hint_for(command, args);
  return error;
}

}  // namespace midair::sidecar
