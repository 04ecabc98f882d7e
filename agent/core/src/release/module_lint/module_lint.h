/// @file
/// What can be known of a module without running it: a bounded reader of ELF files that trusts no byte. It has no
/// dependency, so that who publishes (`midair hot`), who loads (libmidair-app) and the plugin host can use it.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// 64 bytes of build id as hexadecimal digits, and the NUL.
#define MIDAIR_BUILD_ID_SIZE 129

struct midair_lint {
  char build_id[MIDAIR_BUILD_ID_SIZE];  ///< lower-case hexadecimal digits
  char problem[256];                    ///< empty if there is none; else the first, one printable line
};

/// Reads the file `bytes` as the dynamic loader would. True: it is a shared object for this kind of machine that can be
/// swapped: it has a build id and a `midair_module_table`, no GNU-unique symbols (they would be shared between old and
/// new code), no text relocations, no RPATH or RUNPATH, no dependency named by a path, and no executable stack. False:
/// `result->problem` says what is wrong.
bool midair_lint_module(const void* bytes, size_t size, struct midair_lint* result);

/// As above, of the regular file at `path` (at most 1 GiB).
bool midair_lint_file(const char* path, struct midair_lint* result);

enum midair_constant { MIDAIR_CONSTANT_FOUND, MIDAIR_CONSTANT_MISSING, MIDAIR_CONSTANT_UNREADABLE };

/// Reads the 32-bit constant that the shared object `bytes`, of this machine's kind, exports as `symbol`. Unless it is
/// found, `result->problem` says why.
enum midair_constant midair_read_constant(const void* bytes, size_t size, const char* symbol, uint32_t* value,
                                          struct midair_lint* result);

/// Looks for the GNU build id among ELF notes, as they lie in a file or in memory. False: there is none.
bool midair_find_build_id(const void* notes, size_t size, size_t alignment, char build_id[MIDAIR_BUILD_ID_SIZE]);

#ifdef __cplusplus
}
#endif
