// The module "sessions", of which SESSIONS_VERSION 1 and 2 differ in the layout of their state. What is wrong with a
// variant is said by SESSIONS_* macros, one for each situation that a swap must survive; see CMakeLists.txt.
#include "sessions.h"

#include <midair/module.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#ifndef SESSIONS_FLAGS
#define SESSIONS_FLAGS (MIDAIR_UNITS_IN_PARALLEL | MIDAIR_NO_REHEARSAL)
#endif

struct session_v1 {
  uint64_t id;
  char text[96];
};

struct session_v2 {
  uint64_t visits;
  uint64_t id;
  uint8_t length;
  char text[80];
};

#if SESSIONS_VERSION == 1
typedef struct session_v1 session;
#else
typedef struct session_v2 session;
#endif

struct state {
  session* sessions;
  size_t count, capacity;
  int resumed;
};

static int fail(struct midair_error* error, const char* text) {
  snprintf(error->text, sizeof error->text, "%s", text);
  return 1;
}

static int start(void** state, struct midair_error* error) {
#ifdef SESSIONS_NEVER_STARTS
  (void)state;
  return fail(error, "no disk");
#else
  *state = calloc(1, sizeof(struct state));
  return *state != NULL ? 0 : fail(error, "no memory");
#endif
}

static void stop(void* context) {
  struct state* const state = context;
  free(state->sessions);
  free(state);
}

static int suspend(void* context, uint32_t deadline_ms, struct midair_error* error) {
  (void)deadline_ms;
  struct state* const state = context;
#ifdef SESSIONS_NEVER_SUSPENDS
  (void)state;
  return fail(error, "a job runs");
#else
  if (!state->resumed) return fail(error, "it was suspended already");
  state->resumed = 0;
  return 0;
#endif
}

static int resume(void* context, struct midair_error* error) {
  struct state* const state = context;
#ifdef SESSIONS_NEVER_RESUMES
  (void)state;
  return fail(error, "no threads");
#else
  if (state->resumed) return fail(error, "it was resumed already");
  state->resumed = 1;
  return 0;
#endif
}

static int reserve(void* context, size_t units, struct midair_error* error) {
  struct state* const state = context;
  session* const sessions = realloc(state->sessions, (units > 0 ? units : 1) * sizeof *sessions);
  if (sessions == NULL) return fail(error, "no memory");
  state->sessions = sessions;
  state->capacity = units;
  return 0;
}

static size_t units(void* context) { return ((struct state*)context)->count; }

static int complete(void* context, size_t count, struct midair_error* error) {
  struct state* const state = context;
  state->count = count;
#ifdef SESSIONS_LOSES_ONE
  if (count > 0) --state->count;
#endif
  return state->count == count ? 0 : fail(error, "a session was lost");
}

static int export_state(void* context, size_t unit, struct midair_bytes* out, struct midair_error* error) {
  (void)error;
  out->data = &((struct state*)context)->sessions[unit];
  out->size = sizeof(session);
  return 0;
}

static int take(session* to, const char* schema, const void* data, size_t size) {
  if (strcmp(schema, "sessions/1") == 0 && size == sizeof(struct session_v1)) {
#if SESSIONS_VERSION == 1
    memcpy(to, data, size);
#else
    const struct session_v1* const from = data;
    *to = (struct session_v2){.id = from->id, .length = (uint8_t)strlen(from->text)};
    memcpy(to->text, from->text, to->length);
#endif
    return 0;
  }
#if SESSIONS_VERSION == 2
  if (strcmp(schema, "sessions/2") == 0 && size == sizeof *to) {
    memcpy(to, data, size);
    return 0;
  }
#endif
  return 1;
}

static int import_state(void* context, const char* schema, size_t unit, const void* data, size_t size,
                        struct midair_error* error) {
  session* const to = &((struct state*)context)->sessions[unit];
  if (take(to, schema, data, size) != 0) return fail(error, "this is no session");
#ifdef SESSIONS_DISLIKES_EVERY_TENTH
  if (to->id % 10 == 0) return fail(error, "an id that ends with 0");
#endif
#ifdef SESSIONS_CRASHES
  if (to->id == 13) abort();
#endif
#ifdef SESSIONS_HANGS
  if (to->id == 13) nanosleep(&(struct timespec){.tv_sec = 3600}, NULL);
#endif
#ifdef SESSIONS_IS_SLOW
  nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
#endif
  return 0;
}

#ifdef SESSIONS_DOWNGRADES
static int downgrade(void* context, const char* schema, size_t unit, struct midair_bytes* out,
                     struct midair_error* error) {
  const struct session_v2* const from = &((struct state*)context)->sessions[unit];
  if (strcmp(schema, "sessions/1") != 0) return fail(error, "an unknown schema");
  struct session_v1* const to = out->room(out, sizeof *to);
  if (to == NULL) return fail(error, "no memory");
  *to = (struct session_v1){.id = from->id};
  memcpy(to->text, from->text, from->length);
  return 0;
}
#endif

static uint64_t add(void* context, uint64_t id, const char* text) {
  struct state* const state = context;
  struct midair_error ignored;
  if (state->count == state->capacity && reserve(state, 2 * state->capacity + 16, &ignored) != 0) abort();
  session* const added = &state->sessions[state->count++];
  memset(added, 0, sizeof *added);
  added->id = id;
#if SESSIONS_VERSION == 2
  added->length = (uint8_t)strlen(text);
#endif
  snprintf(added->text, 80, "%s", text);
  return state->count;
}

static const char* text(void* context, uint64_t index) {
  struct state* const state = context;
  if (index >= state->count) return NULL;
#if SESSIONS_VERSION == 2
  ++state->sessions[index].visits;
#endif
  return state->sessions[index].text;
}

#ifndef SESSIONS_LACKS_A_CALL
static uint64_t visits(void* context, uint64_t index) {
#if SESSIONS_VERSION == 2
  return ((struct state*)context)->sessions[index].visits;
#else
  (void)context;
  (void)index;
  return 0;
#endif
}
#endif

static int version(void* context) {
  (void)context;
  return SESSIONS_VERSION;
}

static const struct midair_function calls[] = {{"add", (void (*)(void))add},
                                               {"text", (void (*)(void))text},
#ifndef SESSIONS_LACKS_A_CALL
                                               {"visits", (void (*)(void))visits},
#endif
                                               {"version", (void (*)(void))version},
                                               {NULL, NULL}};

#if SESSIONS_VERSION == 2 && !defined(SESSIONS_READS_NOTHING_OLDER)
static const char* const imports[] = {"sessions/1", NULL};
#else
static const char* const imports[] = {NULL};
#endif

#define QUOTE(x) #x
#define TEXT(x) QUOTE(x)
const struct midair_module midair_module_table = {.abi = MIDAIR_MODULE_ABI,
                                                  .flags = SESSIONS_FLAGS,
                                                  .name = "sessions",
                                                  .version = TEXT(SESSIONS_VERSION) "." TEXT(SESSIONS_BUILD),
                                                  .schema = "sessions/" TEXT(SESSIONS_VERSION),
                                                  .imports = imports,
                                                  .calls = calls,
                                                  .start = start,
                                                  .stop = stop,
                                                  .suspend = suspend,
                                                  .resume = resume,
                                                  .units = units,
                                                  .export_state = export_state,
                                                  .reserve = reserve,
                                                  .import_state = import_state,
#ifdef SESSIONS_DOWNGRADES
                                                  .downgrade = downgrade,
#endif
                                                  .complete = complete};
