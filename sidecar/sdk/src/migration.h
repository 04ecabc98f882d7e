/// @file
/// Carries state, unit by unit, into a new instance of a module. All or nothing: the old state is only read, and a new
/// instance that did not get every unit is of no use.
#pragma once

#include "midair/gate.h"
#include "midair/module.h"

/// How many units made it, and how many did not. Units that were never tried count as neither.
struct midair_units {
  size_t succeeded, failed;
};

/// Where units come from.
struct midair_source {
  size_t units;
  const char* schema;
  bool parallel;  ///< several threads may read at once
  int (*read)(const struct midair_source* self, size_t unit, struct midair_bytes* out, struct midair_error* error);
  const struct midair_module* table;  ///< for `read`
  void* state;                        ///< for `read`
};

/// Asked between units, by the thread that called: shall all this end?
struct midair_interrupt {
  bool (*raised)(void* context);
  void* context;
};

/// The units of a module's instance, in its own schema.
struct midair_source midair_source_of(const struct midair_module* table, void* state);

/// The same in the older `schema`, by the module's downgrade().
struct midair_source midair_downgrade_of(const struct midair_module* table, void* state, const char* schema);

/// Reads every unit of `from` into `state`, a new instance of `to`. All units are tried, also after a failure, so that
/// the figures are right; `threads` at most do it. Figures are added to `units`. MIDAIR_FAILED: `error` names the first
/// failure and how many there were. MIDAIR_BUSY: it was interrupted.
enum midair_status midair_migrate(const struct midair_source* from, const struct midair_module* to, void* state,
                                  unsigned threads, const struct midair_interrupt* interrupt,
                                  struct midair_units* units, struct midair_error* error);
