/// @file
/// How much memory there is, and how much a process has.
#pragma once

#include <sys/types.h>

#include <cstdint>

namespace midair::sidecar {

/// Bytes that can be had without swapping: MemAvailable of /proc/meminfo (proc(5)). 0 if that can't be read.
[[nodiscard]] std::uint64_t available_memory();

/// Bytes of that process in memory, shared ones too: the second number of /proc/PID/statm. 0 if that can't be read.
[[nodiscard]] std::uint64_t resident_memory(pid_t pid);

}  // namespace midair::sidecar
