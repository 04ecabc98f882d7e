// The module "evil": whatever a module must not be, one EVIL_* macro each. See CMakeLists.txt.
#include <midair/module.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#ifdef EVIL_CONSTRUCTOR_CRASHES
__attribute__((constructor)) static void crash(void) { raise(SIGTRAP); }
#endif
#ifdef EVIL_CONSTRUCTOR_HANGS
__attribute__((constructor)) static void hang(void) {
  for (;;) pause();
}
#endif
#ifdef EVIL_CONSTRUCTOR_EXITS
__attribute__((constructor)) static void leave(void) { _exit(0); }
#endif
#ifdef EVIL_CONSTRUCTOR_STARTS_A_THREAD
static void* sleep_for_ever(void* unused) {
  for (;;) pause();
  return unused;
}
__attribute__((constructor)) static void start_thread(void) {
  pthread_t thread;
  pthread_create(&thread, NULL, sleep_for_ever, NULL);
}
#endif
#ifdef EVIL_UNDEFINED_SYMBOL
void nobody_defines_this(void);
#endif
#ifdef EVIL_TEXT_RELOCATION
__asm__(".text\n.balign 8\n.quad midair_module_table\n");
#endif

__attribute__((unused)) static int start(void** state, struct midair_error* error) {
  (void)state;
  (void)error;
#ifdef EVIL_UNDEFINED_SYMBOL
  nobody_defines_this();
#endif
  return 0;
}

static void stop(void* state) { (void)state; }

static const struct midair_function calls[] = {{NULL, NULL}};

#ifdef EVIL_NO_TABLE
#define midair_module_table another_table
extern __attribute__((visibility("default"))) const struct midair_module another_table;
#endif

const struct midair_module midair_module_table = {
#ifdef EVIL_WRONG_ABI
    .abi = MIDAIR_MODULE_ABI + 1,
#else
    .abi = MIDAIR_MODULE_ABI,
#endif
#ifdef EVIL_WRONG_NAME
    .name = "good",
#else
    .name = "evil",
#endif
#ifdef EVIL_SCHEMA_WITHOUT_EXPORT
    .schema = "evil/1",
#endif
#ifndef EVIL_NO_START
    .start = start,
#endif
    .version = "1",
    .calls = calls,
    .stop = stop};

#ifdef EVIL_GLOBALS
char evil_cache[4096];
static __attribute__((used)) long visits = 1;
static __thread __attribute__((used)) int depth;
const char* const evil_names[] = {"a constant", "that the loader fills in"};
#endif
