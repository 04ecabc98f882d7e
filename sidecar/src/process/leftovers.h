/// @file
/// What a killed sidecar leaves running, and how the next one gets rid of it.
///
/// SIGKILL of a sidecar takes the app's main process along (PR_SET_PDEATHSIG) but not what that one had started; those
/// processes hold the listening sockets. Each session is written down when it starts.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <filesystem>

#include "midair/error.h"

namespace midair::sidecar {

/// Adds the session led by the living process `pid` to the file at `path`, durably, and drops the ones that have ended.
[[nodiscard]] Result<void> record_session(const std::filesystem::path& path, pid_t pid);

/// Kills the recorded sessions that are still there, waits up to 2 s until they are gone, and removes the file. Returns
/// how many processes were killed. A session counts as there if it was recorded in this boot and its leader has the
/// recorded start time, or has died while others of the session live on, which keeps its pid from being used again. No
/// file means nothing to do; an unreadable one is Errc::corrupt. Errc::timeout if something would not die.
[[nodiscard]] Result<std::size_t> kill_leftovers(const std::filesystem::path& path);

}  // namespace midair::sidecar
