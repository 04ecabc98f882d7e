/// @file
/// The calls of the test module "sessions": many small units of state. See sessions.c for its versions.
#pragma once

#include <stdint.h>

/// Adds a session and returns how many there are. `text` has 79 bytes at most.
typedef uint64_t sessions_add(void* state, uint64_t id, const char* text);
/// The text of the session at `index`, NULL if there is none. It lives as long as the session.
typedef const char* sessions_text(void* state, uint64_t index);
/// How often sessions_text() was asked for it: version 2 on. Version 1 doesn't count: 0.
typedef uint64_t sessions_visits(void* state, uint64_t index);
/// The version of the code.
typedef int sessions_version(void* state);
