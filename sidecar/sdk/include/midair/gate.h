/// @file
/// The call gate: every call into code that may be swapped passes it. Open, it costs two stores and two loads; closed,
/// it holds callers asleep. There is one gate in a process, because modules may call each other: a gate for each could
/// wait for a caller who waits at another.
///
/// Threads: everything here may be called by any thread at any time. A thread may end inside of a call; it then counts
/// as having left. A call that is made inside of another (of the same thread) always goes through, also while the gate
/// is closing: holding it would hold the outer call for ever. After fork() the child's gate is open.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/// How an operation of the SDK ended. The names are those of the upgrade protocol's codes.
enum midair_status {
  MIDAIR_OK = 0,
  MIDAIR_FAILED = 1,        ///< it was tried and did not work
  MIDAIR_BUSY = 2,          ///< it may work later
  MIDAIR_UNSUPPORTED = 3,   ///< nothing here can do that
  MIDAIR_BAD_REQUEST = 4,   ///< an argument is missing or wrong
  MIDAIR_EXPIRED = 5,       ///< the time of the suspension has passed; the old code serves again
  MIDAIR_OUT_OF_ORDER = 6,  ///< not now
};

/// Private: one thread's place at the gate, on a cache line of its own. Places are recycled, never freed.
struct midair_place_ {
  uint32_t depth;  ///< calls that this thread is in
  uint32_t taken;  ///< 1 while a thread owns it
  struct midair_place_* next;
} __attribute__((aligned(64)));

/// Private: NULL until this thread's first call.
extern __thread struct midair_place_* midair_place_ __attribute__((tls_model("initial-exec")));
/// Private: 0 while the gate is open and the kernel has membarrier(2).
extern uint32_t midair_gate_;
bool midair_enter_slowly_(void);
void midair_leave_slowly_(void);

/// Goes in; waits, asleep, while the gate is closed. True: the caller is inside and must midair_leave(), in the same
/// thread. False: this process has handed its state to its successor (midair_app_stop()); the call must not be made.
inline bool midair_enter(void) {
  struct midair_place_* const place = midair_place_;
  if (__builtin_expect(!place, 0)) return midair_enter_slowly_();
  const uint32_t depth = __atomic_load_n(&place->depth, __ATOMIC_RELAXED);
  __atomic_store_n(&place->depth, depth + 1, __ATOMIC_RELAXED);
  // Whoever closes the gate makes this store visible before it looks at it: only the compiler must be kept in order.
  __atomic_signal_fence(__ATOMIC_SEQ_CST);
  if (__builtin_expect((depth | __atomic_load_n(&midair_gate_, __ATOMIC_ACQUIRE)) == 0, 1)) return true;
  return midair_enter_slowly_();
}

/// Leaves after a midair_enter() that returned true.
inline void midair_leave(void) {
  struct midair_place_* const place = midair_place_;
  __atomic_store_n(&place->depth, __atomic_load_n(&place->depth, __ATOMIC_RELAXED) - 1, __ATOMIC_RELEASE);
  __atomic_signal_fence(__ATOMIC_SEQ_CST);
  if (__builtin_expect(__atomic_load_n(&midair_gate_, __ATOMIC_RELAXED) != 0, 0)) midair_leave_slowly_();
}

/// True inside of a gated call of this thread.
bool midair_inside(void);

/// Closes the gate and waits, asleep, until nobody is inside. After MIDAIR_OK what was done inside is visible to the
/// caller, and nobody goes in before midair_gate_open(). MIDAIR_BUSY: somebody was still inside after `deadline_ms`
/// (the gate is open again), or the gate was closed already. MIDAIR_OUT_OF_ORDER: the caller itself is inside.
enum midair_status midair_gate_close(uint32_t deadline_ms);

/// Opens a gate that the caller closed; what was written meanwhile is visible to all who go in.
void midair_gate_open(void);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
