#include "migration.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "gate_internal.h"
#include "text.h"

// A thread costs about as much as kChunk small units. To look at the clock costs a tenth of one, to ask whether the
// migration shall end as much as several: so every kGlance units, and once in kAskNs. An abort that comes while units
// are slow is heard soon all the same.
enum { kChunk = 1024, kMaxThreads = 8, kGlance = 8, kAskNs = 1000000 };

/// What the threads of one migration share.
struct work {
  const struct midair_source* from;
  const struct midair_module* to;
  void* state;
  const struct midair_interrupt* interrupt;
  size_t next;       // first unit that nobody has taken; atomic
  bool interrupted;  // atomic
  pthread_mutex_t mutex;
  struct midair_units units;        // guarded by mutex
  size_t first_failure;             // guarded by mutex; SIZE_MAX: there was none
  struct midair_error first_error;  // guarded by mutex
};

/// Memory for one unit at a time.
struct scratch {
  struct midair_bytes bytes;
  void* memory;
  size_t capacity;
};

static void* make_room(struct midair_bytes* self, size_t size) {
  struct scratch* const scratch = (struct scratch*)((char*)self - offsetof(struct scratch, bytes));
  if (size > scratch->capacity) {
    const size_t capacity = size > 2 * scratch->capacity ? size : 2 * scratch->capacity;
    void* const memory = realloc(scratch->memory, capacity);
    if (memory == NULL) return NULL;
    scratch->memory = memory;
    scratch->capacity = capacity;
  }
  self->data = scratch->memory;
  self->size = size;
  return scratch->memory;
}

static bool migrate_unit(struct work* work, struct scratch* scratch, size_t unit, struct midair_error* error) {
  error->text[0] = '\0';
  scratch->bytes.data = NULL;
  scratch->bytes.size = 0;
  return work->from->read(work->from, unit, &scratch->bytes, error) == 0 &&
         work->to->import_state(work->state, work->from->schema, unit, scratch->bytes.data, scratch->bytes.size,
                                error) == 0;
}

static void note_failure(struct work* work, size_t unit, const struct midair_error* error) {
  pthread_mutex_lock(&work->mutex);
  if (unit < work->first_failure) {
    work->first_failure = unit;
    work->first_error = *error;
  }
  pthread_mutex_unlock(&work->mutex);
}

static void ask_for_interrupt(struct work* work, uint64_t* asked_at) {
  const uint64_t now = midair_now_ns();
  if (now - *asked_at < kAskNs) return;
  *asked_at = now;
  if (work->interrupt->raised(work->interrupt->context)) __atomic_store_n(&work->interrupted, true, __ATOMIC_RELAXED);
}

static bool is_interrupted(const struct work* work) { return __atomic_load_n(&work->interrupted, __ATOMIC_RELAXED); }

static void migrate_chunks(struct work* work, bool may_ask) {
  struct scratch scratch = {.bytes = {.room = make_room}};
  struct midair_units units = {0, 0};
  struct midair_error error;
  uint64_t asked_at = 0;
  while (!is_interrupted(work)) {
    const size_t first = __atomic_fetch_add(&work->next, kChunk, __ATOMIC_RELAXED);
    if (first >= work->from->units) break;
    const size_t end = work->from->units - first < kChunk ? work->from->units : first + kChunk;
    for (size_t unit = first; unit < end && !is_interrupted(work); ++unit) {
      if (migrate_unit(work, &scratch, unit, &error)) {
        ++units.succeeded;
      } else {
        ++units.failed;
        note_failure(work, unit, &error);
      }
      if (may_ask && unit % kGlance == 0) ask_for_interrupt(work, &asked_at);
    }
  }
  free(scratch.memory);
  pthread_mutex_lock(&work->mutex);
  work->units.succeeded += units.succeeded;
  work->units.failed += units.failed;
  pthread_mutex_unlock(&work->mutex);
}

static void* help(void* work) {
  migrate_chunks(work, false);
  return NULL;
}

/// The caller works too, so that all gets done also where no thread can be had.
static void migrate_with_threads(struct work* work, unsigned threads) {
  const size_t chunks = work->from->units / kChunk + 1;
  pthread_t helpers[kMaxThreads];
  size_t started = 0;
  while (started + 1 < threads && started + 1 < chunks && started < kMaxThreads &&
         pthread_create(&helpers[started], NULL, help, work) == 0)
    ++started;
  migrate_chunks(work, true);
  while (started > 0) pthread_join(helpers[--started], NULL);
}

static int read_exported(const struct midair_source* self, size_t unit, struct midair_bytes* out,
                         struct midair_error* error) {
  return self->table->export_state(self->state, unit, out, error);
}

static int read_downgraded(const struct midair_source* self, size_t unit, struct midair_bytes* out,
                           struct midair_error* error) {
  return self->table->downgrade(self->state, self->schema, unit, out, error);
}

struct midair_source midair_source_of(const struct midair_module* table, void* state) {
  return (struct midair_source){.units = table->units != NULL ? table->units(state) : 1,
                                .schema = table->schema,
                                .parallel = (table->flags & MIDAIR_UNITS_IN_PARALLEL) != 0,
                                .read = read_exported,
                                .table = table,
                                .state = state};
}

struct midair_source midair_downgrade_of(const struct midair_module* table, void* state, const char* schema) {
  struct midair_source source = midair_source_of(table, state);
  source.schema = schema;
  source.read = read_downgraded;
  return source;
}

static enum midair_status conclude(const struct work* work, struct midair_error* error) {
  if (work->interrupted) return midair_fail(error, MIDAIR_BUSY, "the migration of %s was interrupted", work->to->name);
  if (work->first_failure == SIZE_MAX) return MIDAIR_OK;
  const char* const why = work->first_error.text[0] != '\0' ? work->first_error.text : "it doesn't say why";
  if (work->from->units == 1) return midair_fail(error, MIDAIR_FAILED, "%s: %.180s", work->to->name, why);
  return midair_fail(error, MIDAIR_FAILED, "%s: %zu of %zu units failed, the first is %zu: %.140s", work->to->name,
                     work->units.failed, work->from->units, work->first_failure, why);
}

enum midair_status midair_migrate(const struct midair_source* from, const struct midair_module* to, void* state,
                                  unsigned threads, const struct midair_interrupt* interrupt,
                                  struct midair_units* units, struct midair_error* error) {
  struct midair_error why = {""};
  if (to->reserve != NULL && to->reserve(state, from->units, &why) != 0)
    return midair_fail(error, MIDAIR_FAILED, "%s has no room for %zu units: %.140s", to->name, from->units, why.text);
  struct work work = {.from = from,
                      .to = to,
                      .state = state,
                      .interrupt = interrupt,
                      .mutex = PTHREAD_MUTEX_INITIALIZER,
                      .first_failure = SIZE_MAX};
  const bool parallel = from->parallel && (to->flags & MIDAIR_UNITS_IN_PARALLEL) != 0;
  migrate_with_threads(&work, parallel ? threads : 1);
  units->succeeded += work.units.succeeded;
  units->failed += work.units.failed;
  const enum midair_status status = conclude(&work, error);
  if (status != MIDAIR_OK || to->complete == NULL || to->complete(state, from->units, &why) == 0) return status;
  return midair_fail(error, MIDAIR_FAILED, "%s is not content with what it got: %.160s", to->name, why.text);
}
