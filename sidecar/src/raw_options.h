/// @file
/// A command's options as they were given. CLI11 stays behind this header.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "midair/error.h"
#include "midair/manual/program.h"

namespace midair::sidecar {

using Args = std::vector<std::string>;

/// The texts as given, by option; converted and checked when all are known.
struct RawOptions {
  std::map<std::string, std::vector<std::string>> texts;
  std::map<std::string, bool> flags;
  std::vector<std::string> arguments;  ///< positional: the app and its arguments

  /// The value given, else the option's default; empty if there is neither.
  [[nodiscard]] std::string text(const std::string& name) const {
    const auto given = texts.find(name);
    return given == texts.end() || given->second.empty() ? "" : given->second.back();
  }
  /// Every value given, or the option's default alone; none if there is neither.
  [[nodiscard]] std::vector<std::string> all(const std::string& name) const {
    const auto given = texts.find(name);
    return given == texts.end() ? std::vector<std::string>() : given->second;
  }
  [[nodiscard]] bool flag(const std::string& name) const {
    const auto given = flags.find(name);
    return given != flags.end() && given->second;
  }
};

/// Where the options in `args` end: at "--", what follows is not ours.
[[nodiscard]] Args::const_iterator end_of_options(const Args& args);

/// `args`, what follows the name of `command`, over the environment, over the table's defaults. Errc::bad_input with
/// the nearest name as its hint.
[[nodiscard]] Result<RawOptions> parse_options(const manual::Command& command, const Args& args);

}  // namespace midair::sidecar
