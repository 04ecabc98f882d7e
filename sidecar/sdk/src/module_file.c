#include "module_file.h"

#include <dlfcn.h>
#include <link.h>
#include <string.h>

#include "text.h"

struct search {
  uintptr_t address;  // something in the image
  char* build_id;
  bool found;
};

static bool holds(const struct dl_phdr_info* image, uintptr_t address) {
  for (size_t i = 0; i < image->dlpi_phnum; ++i) {
    const ElfW(Phdr)* const segment = &image->dlpi_phdr[i];
    if (segment->p_type == PT_LOAD && address - (image->dlpi_addr + segment->p_vaddr) < segment->p_memsz) return true;
  }
  return false;
}

static int read_build_id(struct dl_phdr_info* image, size_t size, void* context) {
  (void)size;
  struct search* const search = context;
  if (!holds(image, search->address)) return 0;
  for (size_t i = 0; i < image->dlpi_phnum && !search->found; ++i) {
    const ElfW(Phdr)* const segment = &image->dlpi_phdr[i];
    if (segment->p_type != PT_NOTE) continue;
    const void* const notes = (const void*)(image->dlpi_addr + segment->p_vaddr);
    search->found = midair_find_build_id(notes, segment->p_memsz, segment->p_align, search->build_id);
  }
  return 1;
}

static enum midair_status check_table(const struct midair_module* table, const char* name, struct midair_error* error) {
  if (table->abi != MIDAIR_MODULE_ABI)
    return midair_fail(error, MIDAIR_FAILED, "%s is built for version %u of the module ABI, not %u", name, table->abi,
                       MIDAIR_MODULE_ABI);
  if (table->name == NULL || strcmp(table->name, name) != 0)
    return midair_fail(error, MIDAIR_FAILED, "%s calls itself '%.64s'", name,
                       table->name != NULL ? table->name : "(null)");
  if (table->version == NULL || table->calls == NULL || table->start == NULL || table->stop == NULL)
    return midair_fail(error, MIDAIR_FAILED, "%s lacks its version, calls, start or stop", name);
  if (table->schema == NULL) return MIDAIR_OK;
  if (!midair_is_name(table->schema, true))
    return midair_fail(error, MIDAIR_FAILED, "%s has a bad name for its schema", name);
  if (table->export_state == NULL || table->import_state == NULL)
    return midair_fail(error, MIDAIR_FAILED, "%s has a schema, but no export_state or import_state", name);
  return MIDAIR_OK;
}

static enum midair_status check_build_id(const char* where, const char* found, const char* wanted,
                                         struct midair_error* error) {
  if (wanted == NULL || strcmp(found, wanted) == 0) return MIDAIR_OK;
  return midair_fail(error, MIDAIR_FAILED, "the build id %s is %.40s, not the expected %.40s", where, found, wanted);
}

enum midair_status midair_open_module(const char* path, const char* name, const char* build_id,
                                      struct midair_code* code, struct midair_error* error) {
  struct midair_lint lint;
  if (!midair_is_name(name, false)) return midair_fail(error, MIDAIR_BAD_REQUEST, "'%.64s' is no module's name", name);
  if (!midair_lint_file(path, &lint)) return midair_fail(error, MIDAIR_FAILED, "%s: %s", name, lint.problem);
  enum midair_status status = check_build_id("in the file", lint.build_id, build_id, error);
  if (status != MIDAIR_OK) return status;

  void* const handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (handle == NULL) return midair_fail(error, MIDAIR_FAILED, "%s cannot be loaded: %s", name, dlerror());
  code->table = dlsym(handle, MIDAIR_MODULE_TABLE_SYMBOL);
  if (code->table == NULL) return midair_fail(error, MIDAIR_FAILED, "%s has no table: %s", name, dlerror());
  struct search search = {(uintptr_t)code->table, code->build_id, false};
  dl_iterate_phdr(read_build_id, &search);
  if (!search.found) return midair_fail(error, MIDAIR_FAILED, "%s has no build id in memory", name);
  status = check_build_id("in memory", code->build_id, lint.build_id, error);
  return status == MIDAIR_OK ? check_table(code->table, name, error) : status;
}

bool midair_imports(const struct midair_module* table, const char* schema) {
  if (table->schema == NULL || schema == NULL) return false;
  if (strcmp(table->schema, schema) == 0) return true;
  for (const char* const* import = table->imports; import != NULL && *import != NULL; ++import)
    if (strcmp(*import, schema) == 0) return true;
  return false;
}
