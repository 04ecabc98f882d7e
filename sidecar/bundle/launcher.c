/* The entry of the bundle. What the image's environment says to loaders (LD_PRELOAD, LD_LIBRARY_PATH) is meant for the
 * app and the image's own C library: the bundle's loader would obey it, too, and a library made for another C library
 * ends a program before its main(). So the entry takes the first letter of such variables away, and the program, once
 * it is loaded, puts it back for the app (own_means.cpp).
 *
 * Without any C library, as a static one would be half a megabyte and read some of these variables itself. */
#include <asm/unistd.h>
#include <errno.h>

#include "held.h"

#define PROGRAM "/opt/midair/lib/midair-sidecar"

static long system_call(long number, const void* first, const void* second, const void* third) {
  long result = 0;
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "a"(number), "D"(first), "S"(second), "d"(third)
                   : "rcx", "r11", "memory");
  return result;
}

static int starts_with(const char* text, const char* prefix) {
  while (*prefix != '\0' && *text == *prefix) ++text, ++prefix;
  return *prefix == '\0';
}

static void say(const char* text) {
  const char* end = text;
  while (*end != '\0') ++end;
  system_call(__NR_write, (const void*)2L, text, (const void*)(end - text));
}

/* argc, argv and the environment, as the kernel lays them down. */
__attribute__((noreturn, used)) static void launch(long* stack) {
  char** argv = (char**)(stack + 1);
  char** environment = argv + *stack + 1;
  for (char** variable = environment; *variable != 0; ++variable)
    if (starts_with(*variable, "LD_") || starts_with(*variable, "GLIBC_TUNABLES=")) **variable = HELD;
  const long error = -system_call(__NR_execve, PROGRAM, argv, environment);
  say("midair-sidecar: cannot start " PROGRAM ": ");
  say(error == ENOENT   ? "it is missing, or the loader beside it. Try: unpack all of midair-sidecar.tar.gz at /\n"
      : error == EACCES ? "it may not be executed. Try: chmod +x, and a file system without noexec\n"
                        : "the kernel refuses it. Try: a smaller environment, or Linux on x86-64\n");
  for (;;) system_call(__NR_exit_group, (const void*)(error == ENOENT ? 127L : 126L), 0, 0);
}

__asm__(
    ".globl _start\n"
    "_start:\n"
    "  xor %ebp, %ebp\n"
    "  mov %rsp, %rdi\n"
    "  and $-16, %rsp\n"
    "  call launch\n");
