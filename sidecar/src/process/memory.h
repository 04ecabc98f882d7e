/// @file
/// How much memory there is, and how much a process has.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <vector>

namespace midair::sidecar {

/// Bytes that can be had without swapping: MemAvailable of /proc/meminfo (proc(5)). 0 if that can't be read.
[[nodiscard]] std::uint64_t available_memory();

/// Bytes of those processes in memory, shared ones with each: the second number of /proc/PID/statm. What can't be read
/// counts as 0.
[[nodiscard]] std::uint64_t resident_memory(const std::vector<pid_t>& processes);

}  // namespace midair::sidecar
