/// @file
/// What the app's fly.toml lets guess of its stop signal.
#pragma once

#include <filesystem>

namespace midair::sidecar {

/// Logs a proposal to use `--stop-signal`, where the fly.toml in `base_dir` has a `kill_signal` by which the app's
/// server, as it seems, finishes what it has begun, and `stop_signal` is still TERM. INT, Fly's own, and TERM tell
/// nothing. A file that can't be read isn't ours to judge.
void propose_stop_signal(const std::filesystem::path& base_dir, int stop_signal);

}  // namespace midair::sidecar
