/// @file
/// What a module is: a shared object that exports one table, `midair_module_table`. It links nothing of Midair.
///
/// A module keeps its state behind the pointer that start() makes, never in globals, because two instances of it may
/// exist at a time. Its functions are C: an exception must not leave them (midair/module.hpp sees to that in C++).
///
/// Threads: everything but the calls is called by one thread at a time, the calls not running (units: see
/// MIDAIR_UNITS_IN_PARALLEL). The code is never unloaded; a thread or callback that stays behind in it does no harm,
/// but it must not touch a state that stop() has taken.
#pragma once

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// The version of this table. A host refuses a module of another.
#define MIDAIR_MODULE_ABI 1U

/// What went wrong: one line for a person, ended by NUL. It belongs to the caller.
struct midair_error {
  char text[256];
};

/// A piece of exported state. The module either points `data` at memory of its own that stays as it is until the state
/// is resumed or stopped, or asks for memory with room() and fills it.
struct midair_bytes {
  const void* data;
  size_t size;
  /// Sets data and size; the memory belongs to the caller of export_state(). NULL if there is none.
  void* (*room)(struct midair_bytes* self, size_t size);
};

enum midair_module_flags {
  /// Units may be exported, imported and downgraded by several threads at once, each unit by one.
  MIDAIR_UNITS_IN_PARALLEL = 1U << 0,
  /// `schema` names the very layout in memory. When old and new both say so and their schemas are equal, the new code
  /// is given the old state's pointer, and nothing is exported, imported or copied.
  MIDAIR_KEEPS_LAYOUT = 1U << 1,
  /// What is done anyway: see MIDAIR_NO_REHEARSAL.
  MIDAIR_REHEARSE = 1U << 2,
  /// The migration to this version is not tried in a forked child first. It is, unless said so: then a crash in it
  /// costs
  /// nothing, and the migration takes twice the time. For state code that needs another thread, a device, or a lock of
  /// the app, none of which a forked child has; or that can't spare the time.
  MIDAIR_NO_REHEARSAL = 1U << 3,
};

/// A call that the module offers. Its first parameter is the state; what else it takes and gives is between caller
/// and module, and stays the same in every version.
struct midair_function {
  const char* name;
  void (*function)(void);
};

/// Functions that return int return 0 when they did it; anything else is a failure, and they should say why in `error`.
/// A function that is called optional may be NULL.
struct midair_module {
  uint32_t abi;                ///< MIDAIR_MODULE_ABI
  uint32_t flags;              ///< of midair_module_flags
  const char* name;            ///< that of its file: modules/NAME.so; 1 to 64 bytes of [A-Za-z0-9._-]
  const char* version;         ///< for people
  const char* schema;          ///< of the state it exports, 1 to 64 bytes of [A-Za-z0-9._/-]; NULL: it has none
  const char* const* imports;  ///< the other schemas that import_state() reads, ended by NULL; may be NULL
  const struct midair_function* calls;  ///< ended by a NULL name

  /// Makes a new instance: quick, without effect for anybody else, no threads (they start in resume()).
  int (*start)(void** state, struct midair_error* error);
  /// Takes an instance apart, whatever it went through. Not called for one whose pointer went to newer code.
  void (*stop)(void* state);
  /// Optional. The instance's own threads hold still when this returns, within `deadline_ms`.
  int (*suspend)(void* state, uint32_t deadline_ms, struct midair_error* error);
  /// Optional. The instance serves from now on, for the first time or again.
  int (*resume)(void* state, struct midair_error* error);

  /// Optional: of how many parts (sessions, rooms, carts) the state consists; without it, of one.
  size_t (*units)(void* state);
  /// Gives one unit, and leaves the state as it is. Without MIDAIR_UNITS_IN_PARALLEL units are asked for in order, from
  /// 0.
  int (*export_state)(void* state, size_t unit, struct midair_bytes* out, struct midair_error* error);
  /// Optional, on a new instance, before the first unit: make room for so many.
  int (*reserve)(void* state, size_t units, struct midair_error* error);
  /// Takes one unit, in `schema` (its own or one of `imports`), into a new instance. The bytes go when this returns.
  int (*import_state)(void* state, const char* schema, size_t unit, const void* data, size_t size,
                      struct midair_error* error);
  /// Optional, after the last unit: check totals, build indexes.
  int (*complete)(void* state, size_t units, struct midair_error* error);
  /// Optional, the way back: as export_state(), in an older `schema`. It says so if it cannot.
  int (*downgrade)(void* state, const char* schema, size_t unit, struct midair_bytes* out, struct midair_error* error);
  /// Optional: whether the instance is well. Called as any call is, with others at once.
  int (*health)(void* state, struct midair_error* error);
};

/// The one symbol of a module.
extern __attribute__((visibility("default"))) const struct midair_module midair_module_table;
#define MIDAIR_MODULE_TABLE_SYMBOL "midair_module_table"

#ifdef __cplusplus
}
#endif
