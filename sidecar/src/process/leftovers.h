/// @file
/// What a killed sidecar leaves running, and how the next one gets rid of it.
///
/// SIGKILL of a sidecar takes all of its generations along, as their subreapers see to it; where these were killed too,
/// what is left holds the listening sockets. Each generation is written down when it starts.
#pragma once

#include <cstddef>
#include <filesystem>

#include "loop/process_tree.h"
#include "midair/error.h"

namespace midair::sidecar {

/// Adds a generation to the file at `path`, durably, and drops the ones of which nothing lives.
[[nodiscard]] Result<void> record_tree(const std::filesystem::path& path, const ProcessTree& tree);

/// Kills all that lives of the recorded generations, waits up to 2 s until it is gone, subreapers included, and removes
/// the file. Returns how many processes were killed. Only what was recorded in this boot counts; reads what earlier
/// versions wrote too, which knew a session only. No file means nothing to do; an unreadable one is Errc::corrupt.
/// Errc::timeout if something would not die.
[[nodiscard]] Result<std::size_t> kill_leftovers(const std::filesystem::path& path);

}  // namespace midair::sidecar
