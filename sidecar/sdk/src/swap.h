/// @file
/// What the upgrade protocol asks of a process, without the protocol: one swap after the other, undone at any point
/// before its commit. Every function here is called by one thread at a time, never from inside of a gated call.
#pragma once

#include "migration.h"
#include "module_lint.h"
#include "modules.h"

enum midair_phase {
  MIDAIR_WAITING,    ///< started beside another process: doesn't serve yet
  MIDAIR_SERVING,    ///< nothing is under way
  MIDAIR_PREPARED,   ///< new code is loaded
  MIDAIR_SUSPENDED,  ///< the gate is closed
  MIDAIR_MIGRATED,   ///< the gate is closed, the new code has its state
  MIDAIR_RESUMED,    ///< the new code serves, the old is kept
  MIDAIR_OVERDUE,    ///< the hold passed: the old code serves, and the rest of the swap is refused
};

extern enum midair_phase midair_phase;

/// One module of a release.
struct midair_wanted {
  char name[65];
  char path[4096];  ///< absolute
  char build_id[MIDAIR_BUILD_ID_SIZE];
};

/// From a process that has just loaded its modules to MIDAIR_WAITING, or to MIDAIR_SERVING (the modules are resumed).
enum midair_status midair_swap_begin(bool wait, struct midair_error* error);

/// Loads what differs from what runs; everything that can fail is done, nobody is affected. A module that runs must be
/// among `wanted`, one that doesn't may not. Until `end_ns` (midair_now_ns()).
enum midair_status midair_swap_prepare(const struct midair_wanted* wanted, size_t count, uint64_t end_ns,
                                       struct midair_error* error);

/// True if `module` takes part in the swap in flight.
bool midair_swap_changes(const struct midair_running* module);

/// Closes the gate and has the modules hold still: those that change, or all if nothing was prepared (a handover).
enum midair_status midair_swap_suspend(uint32_t deadline_ms, uint32_t hold_ms, struct midair_error* error);

/// When the suspension ends by itself; UINT64_MAX while there is none.
uint64_t midair_swap_hold_end(void);

/// The hold has passed: the old code serves again.
void midair_swap_expire(void);

/// Fills the new instances. A failure leaves everything suspended, and the old state as it is. MIDAIR_BUSY: it was
/// interrupted.
enum midair_status midair_swap_migrate(const struct midair_interrupt* interrupt, struct midair_units* units,
                                       struct midair_error* error);

/// The new code serves; or the old one after a suspension without migration; or this process, if it was waiting.
/// `suspended_ns` is how long the gate was closed. A module that doesn't resume leaves the old code serving.
enum midair_status midair_swap_resume(uint64_t* suspended_ns, struct midair_error* error);

/// Lets the old code's state go.
enum midair_status midair_swap_commit(struct midair_error* error);

/// Undoes everything since prepare. After resume that is the way back: the old code gets the new state if it reads it
/// or the new code writes an older one (downgrade()), else the state that was kept. MIDAIR_BUSY: callers were still
/// inside after `deadline_ms`; nothing has changed. `error` may say what was lost although it is MIDAIR_OK.
enum midair_status midair_swap_abort(uint32_t deadline_ms, struct midair_error* error);

/// While suspended: writes the state of all modules to the file `path`. `bytes` is its length.
enum midair_status midair_swap_export(const char* path, uint64_t* bytes, struct midair_error* error);

/// While waiting: reads what midair_swap_export() wrote. A failure leaves every module as it was.
enum midair_status midair_swap_import(const char* path, struct midair_error* error);

/// True while it is suspended for a handover: whoever is told to end now has a successor.
bool midair_swap_succeeded(void);
