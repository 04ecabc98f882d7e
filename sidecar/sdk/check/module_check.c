// midair-module-check: can these modules be swapped in? Reads and loads them, each in a process of its own, and says
// what is wrong.
#include <dirent.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "module_file.h"
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

/// For people: one line for each file that is no good.
static int check_for_people(const char* path) {
  const pid_t child = fork();
  if (child == 0) {
    struct midair_error error;
    char name[65];
    char whole[PATH_MAX];  // dlopen() would look elsewhere for a path without a slash
    name_of(path, name);
    if (check(realpath(path, whole) != NULL ? whole : path, name, NULL, &error) == MIDAIR_OK) _exit(kFine);
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
