/// @file
/// Fly's configuration as flyctl sees it, whichever language it is written in.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "midair/error.h"

namespace midair {

/// One value.
struct FlyNode {
  enum class Kind { none, text, scalar, list, map };
  Kind kind = Kind::none;
  std::string text{};  ///< of a text, or of another scalar as flyctl writes it
  std::vector<FlyNode> items{};
  std::vector<std::pair<std::string, FlyNode>> members{};
  std::size_t line = 0;  ///< from 1; 0 where it is not known
};

/// No configuration is larger.
inline constexpr std::uint64_t kMaxFlyConfig = 1 << 20;

/// Null: a map has no such member, or it is no map.
[[nodiscard]] const FlyNode* member_of(const FlyNode& map, std::string_view key);

/// As Go's fmt.Sprint() writes it: "[a b]", "map[a:1 b:2]".
[[nodiscard]] std::string go_text(const FlyNode& node);
/// The same of a number: 0.1, 1, 1e+08, +Inf.
[[nodiscard]] std::string go_text(double number);

/// The document's `app` and `env`. Errc::bad_input says what is wrong with it, and where in `file`.
[[nodiscard]] Result<FlyNode> parse_fly_toml(std::string_view text, const std::string& file);
[[nodiscard]] Result<FlyNode> parse_fly_json(std::string_view text, const std::string& file);
[[nodiscard]] Result<FlyNode> parse_fly_yaml(std::string_view text, const std::string& file);

/// "fly.toml:3"; a line of 0 is left out.
[[nodiscard]] std::string place_in(const std::string& file, std::size_t line);
/// "cannot use fly.toml:3: CAUSE".
[[nodiscard]] Error unusable_config(const std::string& file, std::size_t line, std::string cause);

/// TOML of version 1.0, as the library reads it, from what flyctl's reads besides: the escapes \e and \xNN, and a leap
/// second (read as the one before; nobody here needs it). A carriage return in a """text""" stays. Lines stay where
/// they are.
[[nodiscard]] std::string as_toml_1_0(std::string_view text);

}  // namespace midair
