#include "modules.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

struct midair_running* midair_modules;

// Guards every list of bindings and what they hold. Held over fork(), so that a child never sees half a switch.
static pthread_mutex_t bindings_mutex = PTHREAD_MUTEX_INITIALIZER;

static void lock_bindings(void) { pthread_mutex_lock(&bindings_mutex); }
static void unlock_bindings(void) { pthread_mutex_unlock(&bindings_mutex); }
__attribute__((constructor)) static void lock_bindings_over_fork(void) {
  pthread_atfork(lock_bindings, unlock_bindings, unlock_bindings);
}

struct midair_running* midair_find_module(const char* name) {
  struct midair_running* module = __atomic_load_n(&midair_modules, __ATOMIC_ACQUIRE);
  while (module != NULL && strcmp(module->name, name) != 0)
    module = __atomic_load_n(&module->following, __ATOMIC_ACQUIRE);
  return module;
}

static void (*offered(const struct midair_module* table, const char* name))(void) {
  for (const struct midair_function* call = table->calls; call->name != NULL; ++call)
    if (strcmp(call->name, name) == 0) return call->function;
  return NULL;
}

static enum midair_status start(struct midair_version* version, struct midair_error* error) {
  struct midair_error why = {""};
  if (version->code.table->start(&version->state, &why) == 0) return MIDAIR_OK;
  return midair_fail(error, MIDAIR_FAILED, "%s %s doesn't start: %.140s", version->code.table->name,
                     version->code.table->version, why.text);
}

enum midair_status midair_load_module(const char* path, const char* name, struct midair_error* error) {
  if (midair_find_module(name) != NULL) return midair_fail(error, MIDAIR_FAILED, "%s is loaded already", name);
  struct midair_version first = {0};
  enum midair_status status = midair_open_module(path, name, NULL, &first.code, error);
  if (status == MIDAIR_OK) status = start(&first, error);
  if (status != MIDAIR_OK) return status;
  struct midair_running* const module = calloc(1, sizeof *module);
  if (module == NULL) {
    first.code.table->stop(first.state);
    return midair_fail(error, MIDAIR_FAILED, "no memory for the module %s", name);
  }
  strcpy(module->name, name);  // it is a module's name: 64 bytes at most
  module->now = first;
  struct midair_running** last = &midair_modules;
  while (*last != NULL) last = &(*last)->following;
  __atomic_store_n(last, module, __ATOMIC_RELEASE);
  return MIDAIR_OK;
}

/// Every code that serves, or may yet, offers it. Without this a swap could take a call away that was just bound.
static bool offered_by_all(const struct midair_running* module, const char* name) {
  const struct midair_version* const versions[] = {&module->now, &module->next, &module->kept};
  for (size_t i = 0; i < sizeof versions / sizeof *versions; ++i)
    if (versions[i]->code.table != NULL && offered(versions[i]->code.table, name) == NULL) return false;
  return true;
}

const struct midair_call* midair_bind(const char* module_name, const char* call_name) {
  struct midair_running* const module = midair_find_module(module_name);
  if (module == NULL) return NULL;
  lock_bindings();
  struct midair_binding* binding = module->bindings;
  while (binding != NULL && strcmp(binding->name, call_name) != 0) binding = binding->next;
  if (binding == NULL && offered_by_all(module, call_name) && (binding = calloc(1, sizeof *binding)) != NULL) {
    if ((binding->name = strdup(call_name)) == NULL) abort();
    binding->call = (struct midair_call){offered(module->now.code.table, call_name), module->now.state};
    binding->next = module->bindings;
    module->bindings = binding;
  }
  unlock_bindings();
  return binding != NULL ? &binding->call : NULL;
}

/// Points callers at what serves now. The bindings are locked.
static void rebind(struct midair_running* module) {
  for (struct midair_binding* binding = module->bindings; binding != NULL; binding = binding->next)
    binding->call = (struct midair_call){offered(module->now.code.table, binding->name), module->now.state};
}

static enum midair_status check_calls(const struct midair_running* module, const struct midair_module* table,
                                      struct midair_error* error) {
  for (const struct midair_binding* binding = module->bindings; binding != NULL; binding = binding->next)
    if (offered(table, binding->name) == NULL)
      return midair_fail(error, MIDAIR_FAILED, "%s %s doesn't offer the call '%.64s', which is in use", table->name,
                         table->version, binding->name);
  return MIDAIR_OK;
}

static bool keeps_layout(const struct midair_module* now, const struct midair_module* next) {
  return (now->flags & next->flags & MIDAIR_KEEPS_LAYOUT) != 0 && now->schema != NULL && next->schema != NULL &&
         strcmp(now->schema, next->schema) == 0;
}

enum midair_status midair_make_next(struct midair_running* module, const struct midair_code* code,
                                    struct midair_error* error) {
  const struct midair_module* const now = module->now.code.table;
  struct midair_version next = {.code = *code};
  if (now->schema != NULL && !midair_imports(code->table, now->schema))
    return midair_fail(error, MIDAIR_FAILED, "%s %s doesn't read the state '%s' of version %s", module->name,
                       code->table->version, now->schema, now->version);
  module->shares_state = keeps_layout(now, code->table);
  if (module->shares_state)
    next.state = module->now.state;
  else if (start(&next, error) != MIDAIR_OK)
    return MIDAIR_FAILED;
  lock_bindings();
  const enum midair_status status = check_calls(module, code->table, error);
  module->next = next;
  unlock_bindings();
  if (status != MIDAIR_OK) midair_drop_next(module);
  return status;
}

/// Takes `version` out of use; its instance is stopped unless other code goes on with it. The code stays.
static void drop(struct midair_running* module, struct midair_version* version) {
  lock_bindings();
  const struct midair_version dropped = *version;
  *version = (struct midair_version){0};
  unlock_bindings();
  if (dropped.code.table != NULL && !module->shares_state) dropped.code.table->stop(dropped.state);
}

void midair_drop_next(struct midair_running* module) { drop(module, &module->next); }

void midair_drop_kept(struct midair_running* module) { drop(module, &module->kept); }

void midair_switch_forward(struct midair_running* module) {
  lock_bindings();
  module->kept = module->now;
  module->now = module->next;
  module->next = (struct midair_version){0};
  rebind(module);
  unlock_bindings();
}

void midair_switch_back(struct midair_running* module) {
  lock_bindings();
  module->next = module->now;
  module->now = module->kept;
  module->kept = (struct midair_version){0};
  rebind(module);
  unlock_bindings();
}

void midair_replace_state(struct midair_running* module, void* state) {
  void* const before = module->now.state;
  lock_bindings();
  module->now.state = state;
  rebind(module);
  unlock_bindings();
  module->now.code.table->stop(before);
}

enum midair_status midair_suspend_module(struct midair_running* module, uint32_t deadline_ms,
                                         struct midair_error* error) {
  struct midair_error why = {""};
  const struct midair_module* const table = module->now.code.table;
  if (table->suspend != NULL && table->suspend(module->now.state, deadline_ms, &why) != 0)
    return midair_fail(error, MIDAIR_FAILED, "%s cannot be suspended: %.160s", module->name, why.text);
  module->suspended = true;
  return MIDAIR_OK;
}

enum midair_status midair_resume_module(struct midair_running* module, struct midair_error* error) {
  struct midair_error why = {""};
  const struct midair_module* const table = module->now.code.table;
  module->suspended = false;
  if (table->resume == NULL || table->resume(module->now.state, &why) == 0) return MIDAIR_OK;
  return midair_fail(error, MIDAIR_FAILED, "%s %s doesn't resume: %.140s", module->name, table->version, why.text);
}
