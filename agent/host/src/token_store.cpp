#include "midair/host/token_store.h"

#include <algorithm>

namespace midair::host {

namespace {

constexpr std::size_t kMaxAppSize = 255;  // bytes; Fly's own limit is lower, but other stores and names may follow

}  // namespace

const char* to_string(TokenSlot slot) noexcept { return slot == TokenSlot::acquired ? "acquired" : "manual"; }

std::optional<TokenSlot> parse_token_slot(std::string_view text) noexcept {
  for (const auto slot : {TokenSlot::acquired, TokenSlot::manual})
    if (text == to_string(slot)) return slot;
  return std::nullopt;
}

Result<void> check_token_app(std::string_view app) {
  const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
  if (app.empty() || app.size() > kMaxAppSize || std::ranges::any_of(app, is_control))
    return Error{Errc::bad_input, "use the app", std::string(app.substr(0, kMaxAppSize)),
                 "its name is not 1 to 255 bytes without control characters"};
  return {};
}

}  // namespace midair::host
