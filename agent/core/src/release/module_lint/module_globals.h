/// @file
/// Which data of a module can be written: each version has its own, so what is kept there doesn't pass on. Like the
/// lint, a bounded reader of ELF files that trusts no byte, and has no dependency.
#pragma once

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// A variable, by its name as the linker knows it; valid during the call only.
typedef void (*midair_global_found)(void* context, const char* name, uint64_t size);

/// Calls `found` for each writable variable of the shared object `bytes`, thread-local ones included, but not for what
/// compiler and library keep for themselves. Of a file that was stripped these are the exported ones. Returns the bytes
/// of writable data that no such variable accounts for, the compiler's and padding included; 0 also for a file that
/// makes no sense.
uint64_t midair_list_globals(const void* bytes, size_t size, midair_global_found found, void* context);

#ifdef __cplusplus
}
#endif
