#include "preload.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gate_internal.h"
#include "text.h"

// The program midair-module-check is carried along, so that no image can lack it and no path can lead to another.
__asm__(
    ".pushsection .rodata\n"
    "module_check_begin: .incbin \"" MIDAIR_MODULE_CHECK
    "\"\n"
    "module_check_end: .byte 0\n"
    ".popsection\n");
extern const char module_check_begin[] __attribute__((visibility("hidden")));
extern const char module_check_end[] __attribute__((visibility("hidden")));

// The child's descriptors. Everything is first moved above them.
enum { kVerdictFd = 3, kProgramFd = 4, kFirstFree = 5 };

/// The program in memory; -1 with errno.
static int open_program(void) {
  const int fd = memfd_create("midair-module-check", MFD_CLOEXEC);
  if (fd < 0) return -1;
  const char* at = module_check_begin;
  while (at < module_check_end) {
    const ssize_t written = write(fd, at, (size_t)(module_check_end - at));
    if (written <= 0) {
      close(fd);
      return -1;
    }
    at += written;
  }
  const int high = fcntl(fd, F_DUPFD_CLOEXEC, kFirstFree);
  close(fd);
  return high;
}

/// A pipe whose writing end is out of the way of the child's descriptors.
static bool open_pipe(int ends[2]) {
  if (pipe2(ends, O_CLOEXEC) != 0) return false;
  const int high = fcntl(ends[1], F_DUPFD_CLOEXEC, kFirstFree);
  close(ends[1]);
  ends[1] = high;
  if (high >= 0) return true;
  close(ends[0]);
  return false;
}

static bool is_private(const char* variable) {
  static const char* const prefixes[] = {"MIDAIR_", "LISTEN_", "NOTIFY_SOCKET=", "LD_PRELOAD="};
  for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; ++i)
    if (strncmp(variable, prefixes[i], strlen(prefixes[i])) == 0) return true;
  return false;
}

/// The environment without what is this process's own. The array is the caller's, the texts are not.
static char** environment_for_check(void) {
  size_t count = 0;
  while (environ[count] != NULL) ++count;
  char** const copy = calloc(count + 1, sizeof *copy);
  for (size_t from = 0, to = 0; copy != NULL && from < count; ++from)
    if (!is_private(environ[from])) copy[to++] = environ[from];
  return copy;
}

/// The child, or -1 with errno.
static pid_t spawn(int program, int verdict, char* const arguments[]) {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  sigset_t none;
  sigemptyset(&none);
  pid_t child = -1;
  char** const environment = environment_for_check();
  posix_spawn_file_actions_init(&actions);
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDWR, 0);
  posix_spawn_file_actions_adddup2(&actions, 0, 1);
  posix_spawn_file_actions_adddup2(&actions, verdict, kVerdictFd);
  posix_spawn_file_actions_adddup2(&actions, program, kProgramFd);
  posix_spawn_file_actions_addclosefrom_np(&actions, kFirstFree);
  const int failure = environment == NULL
                          ? ENOMEM
                          : posix_spawn(&child, "/proc/self/fd/4", &actions, &attributes, arguments, environment);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  free(environment);
  errno = failure;
  return failure == 0 ? child : -1;
}

/// Reads the line that the child has to say, or nothing if it ends without one. False: neither came until `end_ns`.
static bool read_verdict(int fd, char* text, size_t size, uint64_t end_ns) {
  size_t length = 0;
  for (;;) {
    const uint64_t now = midair_now_ns();
    if (now >= end_ns) return false;
    const uint64_t left_ms = (end_ns - now) / 1000000U + 1;
    struct pollfd readable = {.fd = fd, .events = POLLIN};
    if (poll(&readable, 1, left_ms > 60000 ? 60000 : (int)left_ms) <= 0) continue;
    const ssize_t got = read(fd, text + length, size - 1 - length);
    if (got > 0) length += (size_t)got;
    text[length] = '\0';
    char* const end = strchr(text, '\n');
    if (end != NULL) *end = '\0';
    if (end != NULL || got <= 0 || length == size - 1) return true;
  }
}

static enum midair_status judge(const char* name, bool in_time, const char* verdict, int status,
                                struct midair_error* error) {
  if (!in_time)
    return midair_fail(error, MIDAIR_FAILED, "%s: loading it in a process of its own doesn't come to an end", name);
  if (strcmp(verdict, "ok") == 0) return MIDAIR_OK;
  if (verdict[0] != '\0') return midair_fail(error, MIDAIR_FAILED, "%s", verdict);
  if (WIFSIGNALED(status))
    return midair_fail(error, MIDAIR_FAILED, "%s crashes when it is loaded: signal %d", name, WTERMSIG(status));
  return midair_fail(error, MIDAIR_FAILED, "%s ends the process that loads it", name);
}

enum midair_status midair_preload_check(const char* path, const char* name, const char* build_id, uint64_t end_ns,
                                        struct midair_error* error) {
  int ends[2];
  if (!open_pipe(ends)) return midair_fail(error, MIDAIR_FAILED, "no pipe: %s", strerror(errno));
  const int program = open_program();
  char* const arguments[] = {
      (char*)"midair-module-check", (char*)"--verdict", (char*)path, (char*)name, (char*)build_id, NULL};
  const pid_t child = program < 0 ? -1 : spawn(program, ends[1], arguments);
  const int failure = errno;
  close(ends[1]);
  if (program >= 0) close(program);
  char verdict[sizeof error->text] = "";
  const bool in_time = child > 0 && read_verdict(ends[0], verdict, sizeof verdict, end_ns);
  close(ends[0]);
  if (child < 0) return midair_fail(error, MIDAIR_FAILED, "no process to check %s in: %s", name, strerror(failure));
  int status = 0;
  kill(-child, in_time ? SIGTERM : SIGKILL);  // what it left behind, too
  if (in_time) kill(-child, SIGKILL);
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return judge(name, in_time, verdict, status, error);
}
