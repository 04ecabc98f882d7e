#include "requests.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "gate_internal.h"
#include "swap.h"
#include "text.h"

enum { kMaxModules = 32 };

/// One request while it is served.
struct request {
  struct midair_session* session;
  struct midair_json message;
  uint32_t deadline_ms;
  uint64_t end_ns;
  struct midair_line* answer;  // gets further fields of an answer that is ok, each with a comma before it
};

typedef enum midair_status serve_function(struct request* request, struct midair_error* error);

void midair_log(const struct midair_app_options* options, const char* format, ...) {
  char line[512];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(line, sizeof line, format, arguments);
  va_end(arguments);
  if (options->log != NULL)
    options->log(options->context, line);
  else
    fprintf(stderr, "midair: %s\n", line);
}

// --- reading fields ---

static enum midair_status text_field(const struct request* request, const char* name, char* text, size_t size,
                                     struct midair_error* error) {
  struct midair_json value;
  if (midair_json_member(request->message, name, &value) && midair_json_text(value, text, size)) return MIDAIR_OK;
  return midair_fail(error, MIDAIR_BAD_REQUEST, "the field '%s' is missing or wrong", name);
}

static bool milliseconds_field(struct midair_json message, const char* name, uint32_t* milliseconds) {
  struct midair_json value;
  uint64_t number = 0;
  if (!midair_json_member(message, name, &value) || !midair_json_number(value, &number)) return false;
  *milliseconds = number > UINT32_MAX ? UINT32_MAX : (uint32_t)number;
  return true;
}

static bool leads_outside(const char* path) {
  for (const char* part = path; part != NULL; part = strchr(part, '/')) {
    if (*part == '/') ++part;
    if (strncmp(part, "..", 2) == 0 && (part[2] == '/' || part[2] == '\0')) return true;
  }
  return path[0] == '/' || path[0] == '\0';
}

static bool read_wanted(struct midair_json module, const char* directory, struct midair_wanted* wanted) {
  struct midair_json name;
  struct midair_json path;
  struct midair_json build_id;
  char relative[2048];
  if (*module.at != '{' || !midair_json_member(module, "name", &name) || !midair_json_member(module, "path", &path) ||
      !midair_json_member(module, "build_id", &build_id))
    return false;
  if (!midair_json_text(name, wanted->name, sizeof wanted->name) || !midair_is_name(wanted->name, false) ||
      !midair_json_text(path, relative, sizeof relative) || leads_outside(relative) ||
      !midair_json_text(build_id, wanted->build_id, sizeof wanted->build_id))
    return false;
  const int length = snprintf(wanted->path, sizeof wanted->path, "%s/%s", directory, relative);
  return length > 0 && (size_t)length < sizeof wanted->path;
}

// --- writing fields ---

static void put_field(struct midair_line* line, const char* name, uint64_t number) {
  midair_put(line, ",");
  midair_put_text(line, name);
  midair_put(line, ":");
  midair_put_number(line, number);
}

/// The names (and build ids) of modules, those that the swap changes or all.
static void put_modules(struct midair_line* line, const char* field, bool changed_only, bool migrated) {
  const char* comma = "";
  midair_put(line, ",");
  midair_put_text(line, field);
  midair_put(line, ":[");
  for (const struct midair_running* module = midair_modules; module != NULL; module = module->following) {
    if (changed_only && !midair_swap_changes(module)) continue;
    midair_put(line, comma);
    comma = ",";
    if (!changed_only) midair_put(line, "{\"name\":");
    midair_put_text(line, module->name);
    if (changed_only) continue;
    const bool next = migrated && module->next.code.table != NULL;
    midair_put(line, ",\"build_id\":");
    midair_put_text(line, next ? module->next.code.build_id : module->now.code.build_id);
    midair_put(line, "}");
  }
  midair_put(line, "]");
}

// --- the requests ---

static enum midair_status serve_prepare(struct request* request, struct midair_error* error) {
  static struct midair_wanted wanted[kMaxModules];
  struct midair_json modules;
  struct midair_json module;
  char directory[2048];
  size_t count = 0;
  if (!midair_json_member(request->message, "modules", &modules)) return MIDAIR_OK;  // for a handover all is ready
  const enum midair_status status = text_field(request, "release_dir", directory, sizeof directory, error);
  if (status != MIDAIR_OK) return status;
  if (*modules.at != '[' || directory[0] != '/')
    return midair_fail(error, MIDAIR_BAD_REQUEST, "the field 'modules' or 'release_dir' is wrong");
  while (midair_json_next(&modules, &module)) {
    if (count == kMaxModules || !read_wanted(module, directory, &wanted[count]))
      return midair_fail(error, MIDAIR_BAD_REQUEST, "element %zu of 'modules' is wrong", count + 1);
    ++count;
  }
  const enum midair_status prepared = midair_swap_prepare(wanted, count, request->end_ns, error);
  if (prepared == MIDAIR_OK) put_modules(request->answer, "changed", true, false);
  return prepared;
}

static enum midair_status serve_suspend(struct request* request, struct midair_error* error) {
  uint32_t hold_ms = 0;
  if (!milliseconds_field(request->message, "hold_ms", &hold_ms))
    return midair_fail(error, MIDAIR_BAD_REQUEST, "the field 'hold_ms' is missing or wrong");
  return midair_swap_suspend(request->deadline_ms, hold_ms, error);
}

/// The sidecar speaks (to abort), all shall end, or the time is over.
static bool something_came_up(void* context) {
  const struct request* const request = context;
  const uint64_t now = midair_now_ns();
  return now >= request->end_ns || now >= midair_swap_hold_end() ||
         midair_channel_wait(&request->session->channel, request->session->stop_fd, 0);
}

static enum midair_status serve_migrate(struct request* request, struct midair_error* error) {
  struct midair_units units;
  const struct midair_interrupt interrupt = {something_came_up, request};
  const enum midair_status status = midair_swap_migrate(&interrupt, &units, error);
  if (status == MIDAIR_BUSY) return midair_now_ns() < midair_swap_hold_end() ? MIDAIR_FAILED : MIDAIR_EXPIRED;
  // The figures are worth more to the sidecar than the failure, which it finds in them.
  const bool failed_units = status == MIDAIR_FAILED && units.failed > 0;
  if (status != MIDAIR_OK && !failed_units) return status;
  if (failed_units) midair_log(request->session->options, "%s", error->text);
  put_modules(request->answer, "modules", false, true);
  put_field(request->answer, "units_succeeded", units.succeeded);
  put_field(request->answer, "units_failed", units.failed);
  return MIDAIR_OK;
}

static enum midair_status serve_resume(struct request* request, struct midair_error* error) {
  uint64_t suspended_ns = 0;
  const enum midair_status status = midair_swap_resume(&suspended_ns, error);
  if (status == MIDAIR_OK) put_field(request->answer, "suspended_ns", suspended_ns);
  return status;
}

static enum midair_status serve_commit(struct request* request, struct midair_error* error) {
  (void)request;
  return midair_swap_commit(error);
}

static enum midair_status serve_abort(struct request* request, struct midair_error* error) {
  const enum midair_status status = midair_swap_abort(request->deadline_ms, error);
  if (status == MIDAIR_OK && error->text[0] != '\0') midair_log(request->session->options, "%s", error->text);
  return status;
}

static enum midair_status serve_export(struct request* request, struct midair_error* error) {
  char path[2048];
  uint64_t bytes = 0;
  const char* const schema = midair_app_schema(request->session->options);
  if (schema == NULL) return midair_fail(error, MIDAIR_UNSUPPORTED, "this app has no state with one name");
  enum midair_status status = text_field(request, "state_path", path, sizeof path, error);
  if (status == MIDAIR_OK) status = midair_swap_export(path, &bytes, error);
  if (status != MIDAIR_OK) return status;
  midair_put(request->answer, ",\"schema\":");
  midair_put_text(request->answer, schema);
  put_field(request->answer, "bytes", bytes);
  return MIDAIR_OK;
}

static enum midair_status serve_import(struct request* request, struct midair_error* error) {
  char path[2048];
  const enum midair_status status = text_field(request, "state_path", path, sizeof path, error);
  return status == MIDAIR_OK ? midair_swap_import(path, error) : status;
}

static enum midair_status serve_health(struct request* request, struct midair_error* error) {
  const struct midair_app_options* const options = request->session->options;
  if (midair_phase == MIDAIR_SUSPENDED || midair_phase == MIDAIR_MIGRATED || midair_phase == MIDAIR_WAITING)
    return midair_fail(error, MIDAIR_OUT_OF_ORDER, "it doesn't serve");
  if (options->health != NULL && options->health(options->context, error) != 0) return MIDAIR_FAILED;
  int sick = 0;
  if (!midair_enter()) return MIDAIR_OUT_OF_ORDER;
  for (const struct midair_running* module = midair_modules; module != NULL && sick == 0; module = module->following)
    if (module->now.code.table->health != NULL) sick = module->now.code.table->health(module->now.state, error);
  midair_leave();
  put_modules(request->answer, "modules", false, false);
  return sick == 0 ? MIDAIR_OK : MIDAIR_FAILED;
}

static const struct {
  const char* op;
  serve_function* serve;
} kRequests[] = {{"prepare", serve_prepare}, {"suspend", serve_suspend}, {"migrate", serve_migrate},
                 {"resume", serve_resume},   {"commit", serve_commit},   {"abort", serve_abort},
                 {"export", serve_export},   {"import", serve_import},   {"health", serve_health}};

static enum midair_status serve(struct request* request, const char* op, struct midair_error* error) {
  for (size_t i = 0; i < sizeof kRequests / sizeof *kRequests; ++i)
    if (strcmp(op, kRequests[i].op) == 0) return kRequests[i].serve(request, error);
  return midair_fail(error, MIDAIR_UNSUPPORTED, "unknown op");
}

static void write_head(struct midair_line* answer, uint64_t id, bool ok) {
  answer->length = 0;
  answer->full = false;
  midair_put(answer, "{\"id\":");
  midair_put_number(answer, id);
  midair_put(answer, ok ? ",\"ok\":true" : ",\"ok\":false");
}

bool midair_serve_request(struct midair_session* session, struct midair_json message, struct midair_line* answer) {
  static const char* const codes[] = {"", "failed", "busy", "unsupported", "bad_request", "expired", "out_of_order"};
  struct midair_json value;
  uint64_t id = 0;
  char op[32];
  if (!midair_json_member(message, "id", &value) || !midair_json_number(value, &id) ||
      !midair_json_member(message, "op", &value) || *value.at != '"')
    return false;
  if (!midair_json_text(value, op, sizeof op)) op[0] = '\0';
  struct request request = {.session = session, .message = message, .answer = answer};
  struct midair_error error = {""};
  write_head(answer, id, true);
  enum midair_status status = MIDAIR_BAD_REQUEST;
  if (milliseconds_field(message, "deadline_ms", &request.deadline_ms)) {
    request.deadline_ms -= request.deadline_ms / 16;  // the answer has to be there by then
    request.end_ns = midair_now_ns() + (uint64_t)request.deadline_ms * 1000000U;
    status = serve(&request, op, &error);
  } else {
    midair_fail(&error, 0, "the field 'deadline_ms' is missing or wrong");
  }
  if (status != MIDAIR_OK) {
    midair_log(session->options, "%s: %s", op, error.text);
    write_head(answer, id, false);
    midair_put(answer, ",\"code\":");
    midair_put_text(answer, codes[status]);
    midair_put(answer, ",\"error\":");
    midair_put_text(answer, error.text);
  }
  midair_put(answer, "}");
  return true;
}

// --- the hello ---

/// The one module that has state; NULL if there are several or none.
static const struct midair_module* only_stateful_module(void) {
  const struct midair_module* only = NULL;
  for (const struct midair_running* module = midair_modules; module != NULL; module = module->following) {
    if (module->now.code.table->schema == NULL) continue;
    if (only != NULL) return NULL;
    only = module->now.code.table;
  }
  return only;
}

const char* midair_app_schema(const struct midair_app_options* options) {
  if (options->schema != NULL) return options->schema;
  const struct midair_module* const module = only_stateful_module();
  return module != NULL ? module->schema : NULL;
}

void midair_write_hello(const struct midair_session* session, struct midair_line* line) {
  const struct midair_app_options* const options = session->options;
  const char* const schema = midair_app_schema(options);
  const struct midair_module* const module = only_stateful_module();
  const char* const* imports = options->schema != NULL ? options->imports : module != NULL ? module->imports : NULL;
  line->length = 0;
  line->full = false;
  midair_put(line, "{\"op\":\"hello\",\"protocol\":1,\"sdk\":\"midair-c/1\",\"capabilities\":[");
  if (schema != NULL) midair_put(line, "\"state\"");
  if (midair_modules != NULL) midair_put(line, schema != NULL ? ",\"in-place\"" : "\"in-place\"");
  midair_put(line, "]");
  if (schema != NULL) {
    midair_put(line, ",\"schema\":");
    midair_put_text(line, schema);
    midair_put(line, ",\"imports\":[");
    midair_put_text(line, schema);
    for (; imports != NULL && *imports != NULL; ++imports) {
      midair_put(line, ",");
      midair_put_text(line, *imports);
    }
    midair_put(line, "]");
  }
  midair_put(line, "}");
}
