/// @file
/// The process in which a hook runs.
#pragma once

namespace midair::sidecar {

/// The whole life of a hook worker (`midair-sidecar hook-worker`, for our own use): gives up what it doesn't need,
/// reads one HookCall from descriptor 3 until its end, runs it, answers with HookLines on the same descriptor. Returns
/// the exit status.
[[nodiscard]] int run_hook_worker();

}  // namespace midair::sidecar
