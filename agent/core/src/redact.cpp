#include "midair/redact.h"

#include <algorithm>
#include <array>

namespace midair {

namespace {

/// A secret is `prefix` and at least `least` characters of an alphabet.
struct Pattern {
  std::string_view prefix;
  std::size_t least;
};

constexpr std::array<Pattern, 11> kPatterns{{
    {"fm2_", 1},
    {"fm1r_", 1},
    {"fm1a_", 1},
    {"fo1_", 1},
    {"tsec_", 1},
    {"tid_", 6},
    {"AKIA", 16},
    {"ASIA", 16},
    // Of words as common as these only what is as long as a token.
    {"Bearer ", 16},
    {"bearer ", 16},
    {"FlyV1 ", 16},
}};

bool is_word(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'; }

/// base64, base64url and what JWTs and percent-encoding add.
bool is_token_character(char c) { return is_word(c) || std::string_view("+/-=.%~").find(c) != std::string_view::npos; }

std::size_t token_length(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::find_if_not(text, is_token_character) - text.begin());
}

/// The length of what is secret after the prefix that `text` begins with; 0 if nothing is.
std::size_t secret_length(std::string_view text, const Pattern& pattern) {
  if (!text.starts_with(pattern.prefix)) return 0;
  const std::size_t length = token_length(text.substr(pattern.prefix.size()));
  return length >= pattern.least ? length : 0;
}

/// True if `text` begins with a port and what follows one in a URL.
bool is_port(std::string_view text) {
  const auto end = std::min(text.find_first_not_of("0123456789"), text.size());
  return end > 0 && (end == text.size() || text[end] == '/');
}

/// The length of the password if `text` begins with "://user:password@"; sets `start` to where it begins. Passwords
/// that should have been encoded count too.
std::size_t password_length(std::string_view text, std::size_t& start) {
  constexpr std::string_view kAuthority = "://";
  if (!text.starts_with(kAuthority)) return 0;
  const std::size_t end = std::min(text.find_first_of(" \t\n\"'", kAuthority.size()), text.size());
  const std::size_t at = text.substr(0, end).rfind('@');
  const std::size_t colon = text.find_first_of(":/", kAuthority.size());
  if (at == std::string_view::npos || colon == std::string_view::npos || colon > at) return 0;
  if (text[colon] == '/' || is_port(text.substr(colon + 1))) return 0;
  start = colon + 1;
  return at - start;
}

}  // namespace

std::string redact(std::string_view text) {
  std::string clean;
  clean.reserve(text.size());
  for (std::size_t i = 0; i < text.size();) {
    const bool at_word = i == 0 || !is_word(text[i - 1]);
    const std::string_view rest = text.substr(i);
    std::size_t start = 0;
    std::size_t length = password_length(rest, start);
    for (const auto& pattern : kPatterns) {
      if (length > 0 || !at_word) break;
      start = pattern.prefix.size();
      length = secret_length(rest, pattern);
    }
    if (length == 0) {
      clean += text[i++];
      continue;
    }
    clean += rest.substr(0, start);
    clean += "***";
    i += start + length;
  }
  return clean;
}

}  // namespace midair
