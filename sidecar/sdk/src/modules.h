/// @file
/// The modules of this process: which code runs, with which state, and who calls it.
#pragma once

#include "midair/app.h"
#include "module_file.h"

/// One code with one instance of its state.
struct midair_version {
  struct midair_code code;  ///< table is NULL: there is none
  void* state;
};

/// A call that somebody makes.
struct midair_binding {
  const char* name;  ///< of the call; owned
  struct midair_call call;
  struct midair_binding* next;
};

/// One module of the app, for as long as the process lives.
struct midair_running {
  char name[65];
  struct midair_version now;   ///< serves
  struct midair_version next;  ///< prepared
  struct midair_version kept;  ///< served until the last resume; for the way back until commit
  bool shares_state;           ///< next and now, after the switch now and kept, have one state
  bool suspended;              ///< now's suspend() was called, and no resume() yet
  struct midair_binding* bindings;
  struct midair_running* following;
};

/// All of them, in the order in which they were loaded. Only the thread that swaps changes anything; see midair_bind().
extern struct midair_running* midair_modules;

struct midair_running* midair_find_module(const char* name);

/// Loads and starts a module of the app's first code; its resume() has yet to be called.
enum midair_status midair_load_module(const char* path, const char* name, struct midair_error* error);

/// Makes `code` ready: it becomes `next` of `module`, with a fresh instance. MIDAIR_FAILED if it lacks a call that is
/// bound, cannot read the state of what runs, or its start() fails.
enum midair_status midair_make_next(struct midair_running* module, const struct midair_code* code,
                                    struct midair_error* error);

/// Forgets what was made ready.
void midair_drop_next(struct midair_running* module);

/// `next` serves from now on, what served is `kept`. The gate is closed.
void midair_switch_forward(struct midair_running* module);

/// `kept` serves again, what served is `next`, as before midair_switch_forward(). The gate is closed.
void midair_switch_back(struct midair_running* module);

/// The code that serves goes on with another instance of its state; the one before is stopped. The gate is closed.
void midair_replace_state(struct midair_running* module, void* state);

/// Forgets what was kept: there is no way back.
void midair_drop_kept(struct midair_running* module);

/// now's suspend() and resume(), if it has them.
enum midair_status midair_suspend_module(struct midair_running* module, uint32_t deadline_ms,
                                         struct midair_error* error);
enum midair_status midair_resume_module(struct midair_running* module, struct midair_error* error);
