/// @file
/// Loads a module in a process of its own first: what its constructors do there, they cannot do here.
#pragma once

#include "midair/gate.h"
#include "midair/module.h"

/// MIDAIR_OK if a fresh process could load the module `name` with the build id `build_id` from `path` until `end_ns`
/// (midair_now_ns()), and its constructors left no thread behind. The process is posix_spawn()ed: a fork of this one,
/// with its threads' locks, would prove nothing. It inherits no descriptor but standard error, and neither the app's
/// sockets' names nor the way to its sidecar.
enum midair_status midair_preload_check(const char* path, const char* name, const char* build_id, uint64_t end_ns,
                                        struct midair_error* error);
