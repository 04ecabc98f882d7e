/// @file
/// A migration tried out in a forked child, where a crash harms nobody.
#pragma once

#include "migration.h"

/// What is tried. It runs in a process that has only this thread and must make no other.
typedef enum midair_status (*midair_trial)(struct midair_units* units, struct midair_error* error);

/// Runs `trial` in a child and gives what it found. MIDAIR_FAILED also if the child crashed, MIDAIR_BUSY if it was
/// interrupted. The gate is closed and the modules hold still, so that no lock of theirs is held in the child.
enum midair_status midair_rehearse(midair_trial trial, const struct midair_interrupt* interrupt,
                                   struct midair_units* units, struct midair_error* error);
