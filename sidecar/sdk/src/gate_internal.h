/// @file
/// What the rest of the SDK does with the gate beyond its public header.
#pragma once

#include "midair/gate.h"

/// From now on nobody goes in: who waits and who comes is refused. For a process whose successor has its state.
void midair_gate_retire(void);

/// Tests: makes the gate work without membarrier(2) from now on, as on a kernel that lacks it. Nobody may be inside.
void midair_gate_use_fences(void);

/// CLOCK_MONOTONIC in nanoseconds.
uint64_t midair_now_ns(void);
