#include "midair/app.h"

#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "gate_internal.h"
#include "requests.h"
#include "swap.h"
#include "text.h"

enum { kGreetingMs = 5000, kSendMs = 5000, kLastAbortMs = 10000 };

enum turn { kNotYet, kOurs, kNever };

static struct midair_app_options options;
static struct midair_session session = {.channel = {.fd = -1}, .stop_fd = -1};
static pthread_t protocol_thread;
static bool has_thread;
static bool stopping;  // the protocol's thread was told to end

static pthread_mutex_t turn_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t turn_changed;
static enum turn turn;  // guarded by turn_mutex

static void set_turn(enum turn now) {
  pthread_mutex_lock(&turn_mutex);
  turn = now;
  pthread_cond_broadcast(&turn_changed);
  pthread_mutex_unlock(&turn_mutex);
}

static void prepare_turn(void) {
  pthread_condattr_t attributes;
  pthread_condattr_init(&attributes);
  pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
  pthread_cond_init(&turn_changed, &attributes);
  pthread_condattr_destroy(&attributes);
}

// --- modules ---

static int is_module(const struct dirent* entry) {
  const size_t length = strlen(entry->d_name);
  return length > 3 && length <= 64 + 3 && strcmp(entry->d_name + length - 3, ".so") == 0;
}

static enum midair_status load_from(const char* directory, struct midair_error* error) {
  struct dirent** entries = NULL;
  const int count = scandir(directory, &entries, is_module, alphasort);
  if (count < 0) return midair_fail(error, MIDAIR_FAILED, "%.180s: %s", directory, strerror(errno));
  enum midair_status status = MIDAIR_OK;
  for (int i = 0; i < count; ++i) {
    char path[4096];
    char name[65] = "";
    memcpy(name, entries[i]->d_name, strlen(entries[i]->d_name) - 3);
    snprintf(path, sizeof path, "%s/%s", directory, entries[i]->d_name);
    if (status == MIDAIR_OK) status = midair_load_module(path, name, error);
    free(entries[i]);
  }
  free(entries);
  return status;
}

static enum midair_status load_modules(struct midair_error* error) {
  const char* const release = getenv("MIDAIR_RELEASE_DIR");
  char directory[2048] = "modules";
  if (options.modules_dir != NULL)
    snprintf(directory, sizeof directory, "%s", options.modules_dir);
  else if (release != NULL && release[0] != '\0')
    snprintf(directory, sizeof directory, "%s/modules", release);
  return load_from(directory, error);
}

// --- the protocol's thread ---

/// Whatever is under way is undone: as the sidecar is gone, or as all shall end. What already serves goes on serving.
static void undo(bool sidecar_is_gone) {
  struct midair_error error;
  if (sidecar_is_gone || midair_phase != MIDAIR_RESUMED) midair_swap_abort(kLastAbortMs, &error);
}

/// False once the connection must end.
static bool serve_all(struct midair_line* answer) {
  struct midair_json message;
  bool broken = false;
  while (midair_channel_next(&session.channel, &message, &broken)) {
    if (!midair_serve_request(&session, message, answer)) return false;
    if (midair_phase != MIDAIR_WAITING) set_turn(kOurs);
    if (!midair_channel_send(&session.channel, answer, kSendMs)) return false;
  }
  return !broken;
}

static bool is_stopped(void) {
  uint64_t count = 0;
  stopping = read(session.stop_fd, &count, sizeof count) == (ssize_t)sizeof count;
  return stopping;
}

/// One round of the thread: what has come, and what has become due. False: it was the last.
static bool take_part(struct midair_line* answer) {
  if (!serve_all(answer)) return false;
  midair_channel_wait(&session.channel, session.stop_fd, midair_swap_hold_end());
  if (midair_now_ns() >= midair_swap_hold_end()) {
    midair_log(&options, "the suspension has expired; the old code serves");
    midair_swap_expire();
  }
  return !is_stopped() && midair_channel_receive(&session.channel);
}

static void* speak_protocol(void* unused) {
  static struct midair_line answer;
  (void)unused;
  while (take_part(&answer)) {
  }
  if (stopping && midair_swap_succeeded()) {
    midair_gate_retire();
  } else {
    if (!stopping) midair_log(&options, "the sidecar is gone; there are no more swaps");
    undo(!stopping);
  }
  midair_channel_close(&session.channel);
  if (midair_phase == MIDAIR_WAITING) set_turn(kNever);
  return NULL;
}

/// The child of a fork has its parent's descriptors, but not this thread: it must not stop the parent's.
static void forget_thread(void) { has_thread = false; }

/// Signals are for the app's own threads.
static bool start_thread(void) {
  sigset_t all;
  sigset_t before;
  pthread_atfork(NULL, NULL, forget_thread);
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  has_thread = pthread_create(&protocol_thread, NULL, speak_protocol, NULL) == 0;
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  return has_thread;
}

// --- the greeting ---

/// True if the sidecar welcomed this app; `wait` is what it said.
static bool greet(const char* path, bool* wait) {
  static struct midair_line hello;
  struct midair_error error = {"it doesn't answer"};
  struct midair_json message;
  struct midair_json value;
  char op[16] = "";
  bool broken = false;
  bool got = false;
  const uint64_t end_ns = midair_now_ns() + kGreetingMs * 1000000ULL;
  if (midair_channel_connect(&session.channel, path, &error) == MIDAIR_OK) {
    midair_write_hello(&session, &hello);
    bool open = midair_channel_send(&session.channel, &hello, kGreetingMs);
    while (open && !got && !broken && midair_channel_wait(&session.channel, -1, end_ns)) {
      open = midair_channel_receive(&session.channel);
      got = midair_channel_next(&session.channel, &message, &broken);
    }
  }
  const bool welcome = got && midair_json_member(message, "op", &value) && midair_json_text(value, op, sizeof op) &&
                       strcmp(op, "welcome") == 0 && midair_json_member(message, "wait", &value) &&
                       midair_json_boolean(value, wait);
  if (welcome) return true;
  midair_log(&options, "no sidecar, so no swaps: %s", op[0] != '\0' ? "it refuses this SDK" : error.text);
  midair_channel_close(&session.channel);
  return false;
}

// --- what the app calls ---

enum midair_status midair_app_start(const struct midair_app_options* given, struct midair_error* error) {
  if (given != NULL) options = *given;
  session.options = &options;
  prepare_turn();
  enum midair_status status = load_modules(error);
  if (status != MIDAIR_OK) return status;
  const char* const path = getenv("MIDAIR_SOCKET");
  bool wait = false;
  const bool sidecar = path != NULL && path[0] != '\0' && greet(path, &wait);
  status = midair_swap_begin(wait, error);
  if (status != MIDAIR_OK) return status;
  if (!wait) set_turn(kOurs);
  if (!sidecar) return MIDAIR_OK;
  session.stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (session.stop_fd >= 0 && start_thread()) return MIDAIR_OK;
  return midair_fail(error, MIDAIR_FAILED, "no thread for the upgrade protocol: %s", strerror(errno));
}

enum midair_status midair_app_wait_for_turn(uint32_t timeout_ms, struct midair_error* error) {
  const uint64_t end_ns = midair_now_ns() + (uint64_t)timeout_ms * 1000000U;
  const struct timespec end = {.tv_sec = (time_t)(end_ns / 1000000000U), .tv_nsec = (long)(end_ns % 1000000000U)};
  pthread_mutex_lock(&turn_mutex);
  int failure = 0;
  while (turn == kNotYet && failure == 0)
    failure = timeout_ms == UINT32_MAX ? pthread_cond_wait(&turn_changed, &turn_mutex)
                                       : pthread_cond_timedwait(&turn_changed, &turn_mutex, &end);
  const enum turn now = turn;
  pthread_mutex_unlock(&turn_mutex);
  if (now == kOurs) return MIDAIR_OK;
  if (now == kNotYet) return midair_fail(error, MIDAIR_BUSY, "it is not this process's turn yet");
  return midair_fail(error, MIDAIR_FAILED, "it will not be this process's turn any more");
}

void midair_app_stop(void) {
  const uint64_t one = 1;
  if (!has_thread || write(session.stop_fd, &one, sizeof one) != (ssize_t)sizeof one) return;
  pthread_join(protocol_thread, NULL);
  has_thread = false;
  close(session.stop_fd);
  session.stop_fd = -1;
}
