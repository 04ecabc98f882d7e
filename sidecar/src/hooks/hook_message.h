/// @file
/// What a sidecar asks its hook worker, and how that answers: JSON on lines.
#pragma once

#include <Poco/Dynamic/Var.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "midair/error.h"

namespace midair::sidecar {

/// One call of a hook.
struct HookCall {
  std::string script;      ///< path of the Lua file
  std::string function;    ///< "accept", ...
  bool only_look = false;  ///< not called: is there such a function?
  std::vector<Poco::Dynamic::Var> arguments{};
  Poco::Dynamic::Var machine{};  ///< `midair.machine`
  /// Of `migrate`: a file with the old state, which becomes the first argument, and one for the first value that is
  /// returned. Empty: none.
  std::string state_in{};
  std::string state_out{};
};

/// One line of an answer: a log line, or the end.
struct HookLine {
  std::optional<std::string> log{};
  bool missing = false;                        ///< the script has no such function
  std::vector<Poco::Dynamic::Var> returned{};  ///< what it returned
  std::optional<std::string> failed{};         ///< message and traceback
};

/// A script is never longer than this, in bytes.
inline constexpr std::uint64_t kMaxHookScript = 1024 * 1024;
/// Answers are never longer than this, log lines included.
inline constexpr std::size_t kMaxHookAnswer = 1024 * 1024;

[[nodiscard]] std::string format_hook_call(const HookCall& call);
[[nodiscard]] Result<HookCall> parse_hook_call(std::string_view text);
/// With its newline.
[[nodiscard]] std::string format_hook_line(const HookLine& line);
[[nodiscard]] Result<HookLine> parse_hook_line(std::string_view text);

}  // namespace midair::sidecar
