#include "midair/gate.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <linux/membarrier.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "gate_internal.h"

// The states of midair_gate_. kFenced is what keeps every call off the fast path where membarrier(2) is missing.
enum { kClosed = 1, kFenced = 2, kRetired = 4 };

__thread struct midair_place_* midair_place_ __attribute__((tls_model("initial-exec")));
uint32_t midair_gate_;

static struct midair_place_* places;  // all that ever were, newest first; only grows
static uint32_t departures;           // grows when somebody leaves a gate that isn't open: what a closer sleeps on
static pthread_key_t end_of_thread;

extern inline bool midair_enter(void);
extern inline void midair_leave(void);

uint64_t midair_now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
}

static void sleep_on(uint32_t* word, uint32_t seen, const struct timespec* at_most) {
  syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, seen, at_most, NULL, 0);
}

static void wake_all(uint32_t* word) { syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0); }

static bool register_barrier(void) {
  return syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) == 0;
}

/// Every running thread of this process passes a full barrier between this call's begin and its end.
static void barrier_for_all(void) {
  if ((__atomic_load_n(&midair_gate_, __ATOMIC_RELAXED) & kFenced) == 0)
    syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0);
}

static void note_departure(void) {
  __atomic_fetch_add(&departures, 1, __ATOMIC_SEQ_CST);
  wake_all(&departures);
}

static void vacate(void* place_of_thread) {
  struct midair_place_* const place = place_of_thread;
  midair_place_ = NULL;
  __atomic_store_n(&place->depth, 0, __ATOMIC_SEQ_CST);
  __atomic_store_n(&place->taken, 0, __ATOMIC_RELEASE);
  if (__atomic_load_n(&midair_gate_, __ATOMIC_SEQ_CST) != 0) note_departure();
}

/// The child has one thread, and nobody who would open its gate.
static void after_fork_in_child(void) {
  for (struct midair_place_* place = places; place != NULL; place = place->next) {
    if (place == midair_place_) continue;
    place->depth = 0;
    place->taken = 0;
  }
  midair_gate_ &= kFenced;
  if ((midair_gate_ & kFenced) == 0 && !register_barrier()) midair_gate_ = kFenced;
}

__attribute__((constructor)) static void prepare_gate(void) {
  if (!register_barrier()) midair_gate_ = kFenced;
  pthread_atfork(NULL, NULL, after_fork_in_child);
  if (pthread_key_create(&end_of_thread, vacate) == 0) return;
  fputs("midair: no thread-specific key is left\n", stderr);
  abort();
}

static struct midair_place_* vacant_place(void) {
  for (struct midair_place_* place = __atomic_load_n(&places, __ATOMIC_ACQUIRE); place != NULL; place = place->next) {
    uint32_t expected = 0;
    if (__atomic_compare_exchange_n(&place->taken, &expected, 1, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
      return place;
  }
  return NULL;
}

static struct midair_place_* new_place(void) {
  struct midair_place_* const place = aligned_alloc(sizeof *place, sizeof *place);
  if (place == NULL) {
    fputs("midair: no memory for a thread's place at the gate\n", stderr);
    abort();
  }
  *place = (struct midair_place_){.taken = 1, .next = __atomic_load_n(&places, __ATOMIC_RELAXED)};
  while (!__atomic_compare_exchange_n(&places, &place->next, place, false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED)) {
  }
  return place;
}

static struct midair_place_* own_place(void) {
  if (midair_place_ == NULL) {
    struct midair_place_* const place = vacant_place();
    midair_place_ = place != NULL ? place : new_place();
    pthread_setspecific(end_of_thread, midair_place_);
  }
  return midair_place_;
}

bool midair_enter_slowly_(void) {
  struct midair_place_* const place = own_place();
  if (__atomic_load_n(&place->depth, __ATOMIC_RELAXED) > 1) return true;  // inside of a call already
  for (;;) {
    // In one total order with what a closer does: it sees this depth, or its closing is seen here.
    __atomic_store_n(&place->depth, 1, __ATOMIC_SEQ_CST);
    const uint32_t gate = __atomic_load_n(&midair_gate_, __ATOMIC_SEQ_CST);
    if ((gate & (kClosed | kRetired)) == 0) return true;
    __atomic_store_n(&place->depth, 0, __ATOMIC_SEQ_CST);
    note_departure();
    if ((gate & kRetired) != 0) return false;
    sleep_on(&midair_gate_, gate, NULL);
  }
}

void midair_leave_slowly_(void) {
  struct midair_place_* const place = midair_place_;
  const uint32_t depth = __atomic_load_n(&place->depth, __ATOMIC_RELAXED);
  if (depth != 0) return;
  __atomic_store_n(&place->depth, 0, __ATOMIC_SEQ_CST);
  if ((__atomic_load_n(&midair_gate_, __ATOMIC_SEQ_CST) & kClosed) != 0) note_departure();
}

bool midair_inside(void) {
  return midair_place_ != NULL && __atomic_load_n(&midair_place_->depth, __ATOMIC_RELAXED) != 0;
}

static bool somebody_is_inside(void) {
  for (struct midair_place_* place = __atomic_load_n(&places, __ATOMIC_SEQ_CST); place != NULL; place = place->next)
    if (__atomic_load_n(&place->depth, __ATOMIC_SEQ_CST) != 0) return true;
  return false;
}

/// False if somebody is still inside at `end_ns`.
static bool wait_until_empty(uint64_t end_ns) {
  for (;;) {
    const uint32_t seen = __atomic_load_n(&departures, __ATOMIC_SEQ_CST);
    if (!somebody_is_inside()) return true;
    const uint64_t now = midair_now_ns();
    if (now >= end_ns) return false;
    const uint64_t left = end_ns - now;
    sleep_on(&departures, seen,
             &(struct timespec){.tv_sec = (time_t)(left / 1000000000U), .tv_nsec = (long)(left % 1000000000U)});
  }
}

enum midair_status midair_gate_close(uint32_t deadline_ms) {
  if (midair_inside()) return MIDAIR_OUT_OF_ORDER;
  const uint64_t end_ns = midair_now_ns() + (uint64_t)deadline_ms * 1000000U;
  if ((__atomic_fetch_or(&midair_gate_, kClosed, __ATOMIC_SEQ_CST) & kClosed) != 0) return MIDAIR_BUSY;
  barrier_for_all();
  if (wait_until_empty(end_ns)) return MIDAIR_OK;
  midair_gate_open();
  return MIDAIR_BUSY;
}

void midair_gate_open(void) {
  __atomic_fetch_and(&midair_gate_, ~(uint32_t)kClosed, __ATOMIC_SEQ_CST);
  wake_all(&midair_gate_);
}

void midair_gate_retire(void) {
  __atomic_fetch_or(&midair_gate_, kRetired, __ATOMIC_SEQ_CST);
  wake_all(&midair_gate_);
}

void midair_gate_use_fences(void) { __atomic_fetch_or(&midair_gate_, kFenced, __ATOMIC_SEQ_CST); }
