/// @file
/// Small texts with bounds.
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "midair/module.h"

/// Writes one line into `error` (may be NULL; cut if too long) and returns `status`, so that a failure is one
/// statement.
__attribute__((format(printf, 3, 4))) int midair_fail(struct midair_error* error, int status, const char* format, ...);

/// 1 to 64 bytes of [A-Za-z0-9._-], and '/' if `slash`. NULL is no name.
bool midair_is_name(const char* text, bool slash);
