/// @file
/// What a fly.toml says of the signal by which Fly ends a machine. Apart from fly_config.h, as a sidecar asks for no
/// more, and needs no library for it.
#pragma once

#include <filesystem>
#include <string>

#include "midair/error.h"

namespace midair {

/// `kill_signal` as it stands in a fly.toml, of TOML only; empty where there is none, or it is no text.
/// Errc::not_found; Errc::bad_input as read_fly_config().
[[nodiscard]] Result<std::string> fly_kill_signal(const std::filesystem::path& path);

}  // namespace midair
