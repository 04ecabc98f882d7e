// midair-module-check: can these modules be swapped in? Reads and loads them, each in a process of its own, and says
// what is wrong.
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "module_file.h"
#include "module_globals.h"
#include "text.h"

enum { kVerdictFd = 3, kFine = 42 };  // a status that no constructor ends with by chance

static size_t count_threads(void) {
  size_t count = 0;
  DIR* const tasks = opendir("/proc/self/task");
  if (tasks == NULL) return 1;  // no /proc: nothing can be known
  for (const struct dirent* task = readdir(tasks); task != NULL; task = readdir(tasks)) count += task->d_name[0] != '.';
  closedir(tasks);
  return count;
}

static enum midair_status check(const char* path, const char* name, const char* build_id, struct midair_error* error) {
  struct midair_code code;
  const size_t threads = count_threads();
  const enum midair_status status = midair_open_module(path, name, build_id, &code, error);
  if (status != MIDAIR_OK || count_threads() == threads) return status;
  return midair_fail(error, MIDAIR_FAILED, "%s starts threads when it is loaded; start them in resume()", name);
}

/// As libmidair-app runs it: "ok" or the problem goes to descriptor 3, on one line.
static int give_verdict(char** arguments) {
  struct midair_error error = {"ok"};
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  prctl(PR_SET_DUMPABLE, 0);
  close(kVerdictFd + 1);
  check(arguments[0], arguments[1], arguments[2], &error);
  return dprintf(kVerdictFd, "%s\n", error.text) > 0 ? EX_OK : EX_IOERR;
}

/// The name that the file's name gives it.
static void name_of(const char* path, char name[65]) {
  const char* const slash = strrchr(path, '/');
  snprintf(name, 65, "%.64s", slash != NULL ? slash + 1 : path);
  char* const suffix = strstr(name, ".so");
  if (suffix != NULL) *suffix = '\0';
}

static void warn_of_global(void* path, const char* name, uint64_t size) {
  dprintf(STDERR_FILENO, "%s: warning: the next version doesn't get the variable %.200s (%llu bytes)\n",
          (const char*)path, name, (unsigned long long)size);
}

/// State lies behind the pointer that a module gives: what it keeps elsewhere is lost with each swap.
static void warn_of_globals(const char* path) {
  const int fd = open(path, O_RDONLY | O_CLOEXEC);
  struct stat status;
  if (fd < 0) return;
  if (fstat(fd, &status) == 0 && status.st_size > 0) {
    void* const bytes = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (bytes != MAP_FAILED) {
      midair_list_globals(bytes, (size_t)status.st_size, warn_of_global, (void*)(uintptr_t)path);
      munmap(bytes, (size_t)status.st_size);
    }
  }
  close(fd);
}

/// For people: one line for each file that is no good, and for each variable that shouldn't be.
static int check_for_people(const char* path) {
  const pid_t child = fork();
  if (child == 0) {
    struct midair_error error;
    char name[65];
    char whole[PATH_MAX];  // dlopen() would look elsewhere for a path without a slash
    name_of(path, name);
    if (check(realpath(path, whole) != NULL ? whole : path, name, NULL, &error) == MIDAIR_OK) {
      warn_of_globals(path);
      _exit(kFine);
    }
    dprintf(STDERR_FILENO, "%s: %s\n", path, error.text);
    _exit(EX_DATAERR);
  }
  int status = -1;
  if (child < 0 || waitpid(child, &status, 0) < 0) return EX_OSERR;
  if (WIFSIGNALED(status)) dprintf(STDERR_FILENO, "%s: it crashes: signal %d\n", path, WTERMSIG(status));
  return WIFEXITED(status) && WEXITSTATUS(status) == kFine ? EX_OK : EX_DATAERR;
}

int main(int argc, char** argv) {
  if (argc == 5 && strcmp(argv[1], "--verdict") == 0) return give_verdict(argv + 2);
  if (argc < 2 || argv[1][0] == '-') {
    fputs("usage: midair-module-check MODULE.so...\n", stderr);
    return EX_USAGE;
  }
  int worst = EX_OK;
  for (int i = 1; i < argc; ++i) {
    const int status = check_for_people(argv[i]);
    if (status != EX_OK) worst = status;
  }
  return worst;
}
