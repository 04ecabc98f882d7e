/// @file
/// Names of passed and stored descriptors.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string_view>

namespace midair::sidecar {

/// True for what may stand in LISTEN_FDNAMES: 1 to 255 printable ASCII characters, none of them ':' (systemd's
/// sd_pid_notify_with_fds(3), FDNAME=).
[[nodiscard]] inline bool is_descriptor_name(std::string_view name) noexcept {
  constexpr std::size_t kMaxLength = 255;
  return !name.empty() && name.size() <= kMaxLength &&
         std::all_of(name.begin(), name.end(), [](char c) { return c >= ' ' && c <= '~' && c != ':'; });
}

}  // namespace midair::sidecar
