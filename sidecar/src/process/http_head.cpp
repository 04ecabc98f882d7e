#include "process/http_head.h"

#include <algorithm>
#include <cctype>
#include <optional>

namespace midair::sidecar {

namespace {

Error corrupt(std::string cause) { return {Errc::corrupt, "read", "the response", std::move(cause)}; }

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_printable(char c) { return c >= ' ' && c <= '~'; }

/// tchar of RFC 9110, 5.6.2.
bool is_token_char(char c) {
  constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  return is_digit(c) || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || kMarks.find(c) != std::string_view::npos;
}

/// field-vchar, space and tab; bytes above ASCII are allowed as RFC 9110's obs-text.
bool is_value_char(char c) { return c == '\t' || (static_cast<unsigned char>(c) >= ' ' && c != 0x7f); }

bool equals_ignoring_case(std::string_view a, std::string_view lower_case) {
  return std::equal(a.begin(), a.end(), lower_case.begin(), lower_case.end(),
                    [](char x, char y) { return std::tolower(static_cast<unsigned char>(x)) == y; });
}

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

/// "HTTP/1.1 200 OK"; the reason may be missing, its space too.
std::optional<int> parse_status_line(std::string_view line) {
  constexpr std::string_view kVersion = "HTTP/1.";
  constexpr std::size_t kLength = std::string_view("HTTP/1.1 200").size();
  if (!line.starts_with(kVersion) || line.size() < kLength || !is_digit(line[7]) || line[8] != ' ') return std::nullopt;
  if (line.size() > kLength && line[kLength] != ' ') return std::nullopt;
  if (!std::all_of(line.begin(), line.end(), is_value_char)) return std::nullopt;
  int status = 0;
  for (const char c : line.substr(9, 3)) {
    if (!is_digit(c)) return std::nullopt;
    status = status * 10 + (c - '0');
  }
  if (status < 100 || status > 599) return std::nullopt;
  return status;
}

Result<void> parse_field(std::string_view line, HttpHead& head) {
  constexpr std::size_t kMaxRelease = 255;
  const auto colon = line.find(':');
  const std::string_view name = line.substr(0, colon);
  if (colon == std::string_view::npos || name.empty() || !std::all_of(name.begin(), name.end(), is_token_char))
    return corrupt("a header line has no proper name");
  const std::string_view value = trimmed(line.substr(colon + 1));
  if (!std::all_of(value.begin(), value.end(), is_value_char)) return corrupt("a header has a control character");
  if (!equals_ignoring_case(name, "midair-release")) return {};
  if (!head.release.empty()) return corrupt("Midair-Release is there twice");
  if (value.empty() || value.size() > kMaxRelease || !std::all_of(value.begin(), value.end(), is_printable))
    return corrupt("Midair-Release is not 1 to 255 printable ASCII characters");
  head.release = value;
  return {};
}

}  // namespace

Result<HttpHead> parse_http_head(std::string_view bytes) {
  constexpr std::string_view kLineEnd = "\r\n";
  constexpr std::string_view kHeadEnd = "\r\n\r\n";
  if (bytes.size() > kMaxHttpHeadBytes) return corrupt("its head is longer than 16 KiB");
  const auto end = bytes.find(kHeadEnd);
  if (end == std::string_view::npos || end + kHeadEnd.size() != bytes.size()) return corrupt("its head has no end");
  bytes.remove_suffix(kLineEnd.size());

  HttpHead head;
  bool is_first = true;
  while (!bytes.empty()) {
    const std::string_view line = bytes.substr(0, bytes.find(kLineEnd));
    bytes.remove_prefix(line.size() + kLineEnd.size());
    if (!std::exchange(is_first, false)) {
      MIDAIR_TRY(parse_field(line, head));
    } else if (const auto status = parse_status_line(line)) {
      head.status = *status;
    } else {
      return corrupt("it does not begin with an HTTP/1 status line");
    }
  }
  return head;
}

}  // namespace midair::sidecar
