/// @file
/// The whole state in one file, for another process: "MIDAIR 1\n"; for each module with state its name and schema (each
/// a 64-bit length and the text), the number of units, and for each unit its length and bytes, padded to 8; at last a
/// name of length 0. Numbers are of this machine.
#pragma once

#include "midair/gate.h"
#include "midair/module.h"

/// Writes every module's state into the existing file `path`; `bytes` is its length. The modules hold still.
enum midair_status midair_write_state(const char* path, uint64_t* bytes, struct midair_error* error);

/// Reads what midair_write_state() wrote: every module gets a fresh instance with its state, or, after any failure,
/// none does. A module without state in the file stays as it is; state that no module here has is a failure.
enum midair_status midair_read_state(const char* path, struct midair_error* error);
