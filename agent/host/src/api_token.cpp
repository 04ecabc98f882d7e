#include "midair/host/api_token.h"

#include <strings.h>

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "macaroon_text.h"

namespace midair::host {

namespace {

constexpr std::string_view kSpace = " \t\r\n";
constexpr std::size_t kMaxSize = 64 << 10;  // bytes; with many discharges a list has some 10 KB

std::string_view trim(std::string_view text) {
  const auto first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

/// Takes `word` off the front of `text`, in any case, if white space (or nothing) follows it.
bool take_word(std::string_view& text, std::string_view word) {
  if (text.size() < word.size() || ::strncasecmp(text.data(), word.data(), word.size()) != 0) return false;
  const std::string_view rest = text.substr(word.size());
  if (!rest.empty() && kSpace.find(rest.front()) == std::string_view::npos) return false;
  text = trim(rest);
  return true;
}

std::string_view strip_schemes(std::string_view text) {
  text = trim(text);
  while (take_word(text, "Authorization:") || take_word(text, "Bearer") || take_word(text, "FlyV1")) continue;
  return text;
}

std::vector<std::string> split_list(std::string_view text) {
  std::vector<std::string> parts;
  for (std::size_t start = 0; start <= text.size();) {
    const std::size_t end = std::min(text.find(',', start), text.size());
    if (const auto part = trim(text.substr(start, end - start)); !part.empty()) parts.emplace_back(part);
    start = end + 1;
  }
  return parts;
}

std::string join(const std::vector<std::string>& parts) {
  std::string text;
  for (const auto& part : parts) text += (text.empty() ? "" : ",") + part;
  return text;
}

bool is_printable(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c > ' ' && c < 0x7f; });
}

Error unusable(const std::string& source, std::string cause) {
  return {Errc::bad_input, "use the token of", source, std::move(cause),
          "paste what 'fly tokens create' printed, all of it"};
}

}  // namespace

const char* to_string(TokenKind kind) noexcept { return kind == TokenKind::macaroon ? "macaroon" : "bearer"; }

Result<ApiToken> parse_token(std::string_view text, std::string source) {
  if (text.size() > kMaxSize) return unusable(source, "it is longer than 64 KiB");
  const auto parts = split_list(strip_schemes(text));
  if (parts.empty()) return unusable(source, "it is empty");
  if (!std::ranges::all_of(parts, is_printable))
    return unusable(source, "it has white space or characters that no token has");
  for (const auto& part : parts)
    if (is_truncated_macaroon(part)) {
      Error error = unusable(
          source, "it is cut short: " + std::to_string(part.size()) + " characters, and its last part is missing");
      error.code = Errc::corrupt;
      return error;
    }
  std::vector<std::string> macaroons;
  std::ranges::copy_if(parts, std::back_inserter(macaroons), is_macaroon);
  ApiToken token;
  token.source = std::move(source);
  token.text = Secret(join(parts));
  token.kind = macaroons.empty() ? TokenKind::bearer : TokenKind::macaroon;
  // A list may carry a login token beside its macaroons; the Machines API wants one scheme.
  token.authorization = Secret(macaroons.empty() ? "Bearer " + parts.front() : "FlyV1 " + join(macaroons));
  return token;
}

std::string mask(const Secret& text) {
  constexpr std::size_t kShown = 8;
  constexpr std::size_t kLong = 24;  // with fewer characters, eight of them say too much
  const std::string& all = text.reveal();
  return all.size() < kLong ? "***" : all.substr(0, kShown) + "...(" + std::to_string(all.size()) + ")";
}

}  // namespace midair::host
