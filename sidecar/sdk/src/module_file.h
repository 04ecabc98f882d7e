/// @file
/// From a file to a module's table.
#pragma once

#include "midair/gate.h"
#include "midair/module.h"
#include "module_lint.h"

/// The code of a module in this process. It is never unloaded.
struct midair_code {
  const struct midair_module* table;
  char build_id[MIDAIR_BUILD_ID_SIZE];  ///< as read from the loaded image
};

/// Loads `path` (its constructors run), which must hold the module `name` with the build id `build_id` (NULL: any). All
/// is checked that can be checked: the file by the lint; the build id in the file and again in memory, because dlopen()
/// returns older code for a path or an inode that it knows; the table.
enum midair_status midair_open_module(const char* path, const char* name, const char* build_id,
                                      struct midair_code* code, struct midair_error* error);

/// True if `table` says that it reads `schema`.
bool midair_imports(const struct midair_module* table, const char* schema);
