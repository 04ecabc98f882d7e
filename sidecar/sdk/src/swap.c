#include "swap.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "gate_internal.h"
#include "preload.h"
#include "rehearsal.h"
#include "state_file.h"
#include "text.h"

enum midair_phase midair_phase = MIDAIR_SERVING;

// Nobody may abort while a module is checked, so that has an end of its own.
static const uint64_t kPreloadNs = 10ULL * 1000000000U;

static uint64_t closed_at;
static uint64_t hold_end = UINT64_MAX;
static bool in_place;  // the suspension is for prepared code, not for a handover

#define FOR_EACH_MODULE(module) \
  for (struct midair_running* module = midair_modules; module != NULL; module = module->following)

static bool never(void* context) {
  (void)context;
  return false;
}

static const struct midair_interrupt uninterrupted = {never, NULL};

static unsigned threads(void) {
  const long processors = sysconf(_SC_NPROCESSORS_ONLN);
  return processors > 1 ? (unsigned)processors : 1;
}

static enum midair_status out_of_order(struct midair_error* error) {
  if (midair_phase == MIDAIR_OVERDUE)
    return midair_fail(error, MIDAIR_EXPIRED, "the suspension has expired; the old code serves");
  static const char* const phases[] = {"it waits for its turn", "nothing is under way", "it is prepared",
                                       "it is suspended",       "it is migrated",       "the new code serves"};
  return midair_fail(error, MIDAIR_OUT_OF_ORDER, "not now: %s", phases[midair_phase]);
}

bool midair_swap_changes(const struct midair_running* module) {
  return module->next.code.table != NULL || module->kept.code.table != NULL;
}

/// Resumes what was suspended. Old code that doesn't resume is left to the health checks: there is nothing older.
static void resume_suspended(struct midair_error* error) {
  FOR_EACH_MODULE(module) if (module->suspended) midair_resume_module(module, error);
}

static uint64_t reopen(void) {
  midair_gate_open();
  hold_end = UINT64_MAX;
  return midair_now_ns() - closed_at;
}

enum midair_status midair_swap_begin(bool wait, struct midair_error* error) {
  FOR_EACH_MODULE(module) {
    if (!wait && midair_resume_module(module, error) != MIDAIR_OK) return MIDAIR_FAILED;
  }
  midair_phase = wait ? MIDAIR_WAITING : MIDAIR_SERVING;
  return MIDAIR_OK;
}

// --- prepare ---

static void drop_prepared(void) { FOR_EACH_MODULE(module) midair_drop_next(module); }

static enum midair_status prepare_module(const struct midair_wanted* wanted, uint64_t end_ns,
                                         struct midair_error* error) {
  struct midair_running* const module = midair_find_module(wanted->name);
  if (module == NULL)
    return midair_fail(error, MIDAIR_FAILED, "this process has no module '%s'; a new one comes by handover",
                       wanted->name);
  if (module->next.code.table != NULL)
    return midair_fail(error, MIDAIR_BAD_REQUEST, "the module '%s' is named twice", wanted->name);
  if (strcmp(module->now.code.build_id, wanted->build_id) == 0) return MIDAIR_OK;
  struct midair_code code;
  const uint64_t limit_ns = midair_now_ns() + kPreloadNs;
  enum midair_status status =
      midair_preload_check(wanted->path, wanted->name, wanted->build_id, end_ns < limit_ns ? end_ns : limit_ns, error);
  if (status == MIDAIR_OK) status = midair_open_module(wanted->path, wanted->name, wanted->build_id, &code, error);
  return status == MIDAIR_OK ? midair_make_next(module, &code, error) : status;
}

static bool is_wanted(const char* name, const struct midair_wanted* wanted, size_t count) {
  for (size_t i = 0; i < count; ++i)
    if (strcmp(wanted[i].name, name) == 0) return true;
  return false;
}

enum midair_status midair_swap_prepare(const struct midair_wanted* wanted, size_t count, uint64_t end_ns,
                                       struct midair_error* error) {
  if (midair_phase == MIDAIR_PREPARED || midair_phase == MIDAIR_OVERDUE) midair_swap_abort(0, NULL);
  if (midair_phase != MIDAIR_SERVING) return out_of_order(error);
  FOR_EACH_MODULE(module) {
    if (!is_wanted(module->name, wanted, count))
      return midair_fail(error, MIDAIR_FAILED, "the release lacks the module '%s', which runs", module->name);
  }
  for (size_t i = 0; i < count; ++i) {
    const enum midair_status status = prepare_module(&wanted[i], end_ns, error);
    if (status == MIDAIR_OK) continue;
    drop_prepared();
    return status;
  }
  midair_phase = MIDAIR_PREPARED;
  return MIDAIR_OK;
}

// --- suspend ---

enum midair_status midair_swap_suspend(uint32_t deadline_ms, uint32_t hold_ms, struct midair_error* error) {
  if (midair_phase != MIDAIR_SERVING && midair_phase != MIDAIR_PREPARED) return out_of_order(error);
  in_place = midair_phase == MIDAIR_PREPARED;
  closed_at = midair_now_ns();
  const enum midair_status closed = midair_gate_close(deadline_ms);
  if (closed != MIDAIR_OK)
    return midair_fail(error, closed, "calls were still under way after %u ms; all goes on with the old code",
                       deadline_ms);
  const uint64_t spent_ms = (midair_now_ns() - closed_at) / 1000000U;
  const uint32_t left_ms = spent_ms < deadline_ms ? deadline_ms - (uint32_t)spent_ms : 0;
  FOR_EACH_MODULE(module) {
    if (in_place && !midair_swap_changes(module)) continue;
    if (midair_suspend_module(module, left_ms, error) == MIDAIR_OK) continue;
    resume_suspended(NULL);
    reopen();
    return MIDAIR_FAILED;
  }
  hold_end = midair_now_ns() + (uint64_t)hold_ms * 1000000U;
  midair_phase = MIDAIR_SUSPENDED;
  return MIDAIR_OK;
}

uint64_t midair_swap_hold_end(void) { return hold_end; }

void midair_swap_expire(void) {
  midair_swap_abort(0, NULL);
  midair_phase = MIDAIR_OVERDUE;
}

// --- migrate ---

/// It gets state from older code, be it only the pointer.
static bool takes_state(const struct midair_running* module) {
  return module->next.code.table != NULL && module->now.code.table->schema != NULL;
}

static bool wants_rehearsal(const struct midair_running* module) {
  return takes_state(module) && !module->shares_state && (module->next.code.table->flags & MIDAIR_NO_REHEARSAL) == 0;
}

static enum midair_status migrate_all(const struct midair_interrupt* interrupt, unsigned thread_count, bool rehearsed,
                                      struct midair_units* units, struct midair_error* error) {
  enum midair_status all = MIDAIR_OK;
  FOR_EACH_MODULE(module) {
    const struct midair_module* const next = module->next.code.table;
    if (rehearsed ? !wants_rehearsal(module) : !takes_state(module)) continue;
    const struct midair_source from = midair_source_of(module->now.code.table, module->now.state);
    if (module->shares_state) {
      units->succeeded += from.units;
      continue;
    }
    struct midair_error* const first = all == MIDAIR_OK ? error : NULL;
    const enum midair_status status =
        midair_migrate(&from, next, module->next.state, thread_count, interrupt, units, first);
    if (all == MIDAIR_OK) all = status;
    if (status == MIDAIR_BUSY) return all;
  }
  return all;
}

static bool any_wants_rehearsal(void) {
  FOR_EACH_MODULE(module) if (wants_rehearsal(module)) return true;
  return false;
}

/// In the child of a fork no other thread exists, nor may one be made.
static enum midair_status rehearse(struct midair_units* units, struct midair_error* error) {
  return migrate_all(&uninterrupted, 1, true, units, error);
}

enum midair_status midair_swap_migrate(const struct midair_interrupt* interrupt, struct midair_units* units,
                                       struct midair_error* error) {
  *units = (struct midair_units){0, 0};
  if (midair_phase != MIDAIR_SUSPENDED || !in_place) return out_of_order(error);
  if (any_wants_rehearsal()) {
    const enum midair_status status = midair_rehearse(rehearse, interrupt, units, error);
    if (status != MIDAIR_OK) return status;
    *units = (struct midair_units){0, 0};
  }
  const enum midair_status status = migrate_all(interrupt, threads(), false, units, error);
  if (status == MIDAIR_OK) midair_phase = MIDAIR_MIGRATED;
  return status;
}

// --- resume ---

/// A module of the new code didn't resume, before any caller came to it: the old one does.
static void fall_back(void) {
  FOR_EACH_MODULE(module) {
    if (module->kept.code.table == NULL) continue;
    if (!module->suspended) midair_suspend_module(module, 0, NULL);
    midair_switch_back(module);
    midair_resume_module(module, NULL);
  }
  reopen();
  drop_prepared();
  midair_phase = MIDAIR_SERVING;
}

static enum midair_status resume_new_code(uint64_t* suspended_ns, struct midair_error* error) {
  FOR_EACH_MODULE(module) if (module->next.code.table != NULL) midair_switch_forward(module);
  FOR_EACH_MODULE(module) {
    if (!module->suspended || midair_resume_module(module, error) == MIDAIR_OK) continue;
    fall_back();
    return MIDAIR_FAILED;
  }
  *suspended_ns = reopen();
  midair_phase = MIDAIR_RESUMED;
  return MIDAIR_OK;
}

enum midair_status midair_swap_resume(uint64_t* suspended_ns, struct midair_error* error) {
  *suspended_ns = 0;
  if (midair_phase == MIDAIR_MIGRATED) return resume_new_code(suspended_ns, error);
  if (midair_phase == MIDAIR_WAITING) return midair_swap_begin(false, error);
  if (midair_phase != MIDAIR_SUSPENDED || in_place) return out_of_order(error);
  resume_suspended(error);
  *suspended_ns = reopen();
  midair_phase = MIDAIR_SERVING;
  return MIDAIR_OK;
}

// --- export and import ---

bool midair_swap_succeeded(void) { return midair_phase == MIDAIR_SUSPENDED && !in_place; }

enum midair_status midair_swap_export(const char* path, uint64_t* bytes, struct midair_error* error) {
  if (midair_phase != MIDAIR_SUSPENDED || in_place) return out_of_order(error);
  return midair_write_state(path, bytes, error);
}

enum midair_status midair_swap_import(const char* path, struct midair_error* error) {
  return midair_phase == MIDAIR_WAITING ? midair_read_state(path, error) : out_of_order(error);
}

// --- commit and abort ---

enum midair_status midair_swap_commit(struct midair_error* error) {
  if (midair_phase != MIDAIR_RESUMED && midair_phase != MIDAIR_SERVING) return out_of_order(error);
  FOR_EACH_MODULE(module) midair_drop_kept(module);
  midair_phase = MIDAIR_SERVING;
  return MIDAIR_OK;
}

/// Gives what the new code has to a fresh instance of the old code, if they can. The kept one stays untouched till
/// then.
static enum midair_status bring_back_state(struct midair_running* module, struct midair_error* error) {
  const struct midair_module* const now = module->now.code.table;
  const struct midair_module* const kept = module->kept.code.table;
  if (module->shares_state || kept->schema == NULL) return MIDAIR_OK;
  struct midair_source from = midair_source_of(now, module->now.state);
  if (!midair_imports(kept, from.schema)) {
    if (now->downgrade == NULL)
      return midair_fail(error, MIDAIR_FAILED,
                         "%s: nothing leads back to '%s'; the state from before the switch serves", module->name,
                         kept->schema);
    from = midair_downgrade_of(now, module->now.state, kept->schema);
  }
  void* state = NULL;
  if (kept->start(&state, error) != 0) return MIDAIR_FAILED;
  struct midair_units units = {0, 0};
  if (midair_migrate(&from, kept, state, threads(), &uninterrupted, &units, error) != MIDAIR_OK) {
    kept->stop(state);
    return MIDAIR_FAILED;
  }
  kept->stop(module->kept.state);
  module->kept.state = state;
  return MIDAIR_OK;
}

static enum midair_status go_back(uint32_t deadline_ms, struct midair_error* error) {
  closed_at = midair_now_ns();
  const enum midair_status closed = midair_gate_close(deadline_ms);
  if (closed != MIDAIR_OK) return midair_fail(error, closed, "calls were still under way after %u ms", deadline_ms);
  FOR_EACH_MODULE(module) {
    if (module->kept.code.table == NULL) continue;
    midair_suspend_module(module, deadline_ms, error);
    bring_back_state(module, error);
  }
  fall_back();
  return MIDAIR_OK;
}

enum midair_status midair_swap_abort(uint32_t deadline_ms, struct midair_error* error) {
  if (error != NULL) error->text[0] = '\0';
  if (midair_phase == MIDAIR_RESUMED) return go_back(deadline_ms, error);
  if (midair_phase == MIDAIR_WAITING) return MIDAIR_OK;
  if (midair_phase == MIDAIR_SUSPENDED || midair_phase == MIDAIR_MIGRATED) {
    resume_suspended(error);
    reopen();
  }
  drop_prepared();
  midair_phase = MIDAIR_SERVING;
  return MIDAIR_OK;
}
