#include "rehearsal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "text.h"

/// What the child tells, in one write that a pipe takes whole.
struct verdict {
  enum midair_status status;
  struct midair_units units;
  struct midair_error error;
};

enum { kPollMs = 10 };

__attribute__((noreturn)) static void be_the_child(midair_trial trial, int pipe_fd) {
  static const int deadly[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT};
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  prctl(PR_SET_DUMPABLE, 0);  // no core file
  for (size_t i = 0; i < sizeof deadly / sizeof *deadly; ++i) signal(deadly[i], SIG_DFL);
  struct verdict verdict;
  memset(&verdict, 0, sizeof verdict);
  verdict.status = trial(&verdict.units, &verdict.error);
  const ssize_t written = write(pipe_fd, &verdict, sizeof verdict);
  _exit(written == (ssize_t)sizeof verdict ? 0 : 1);
}

/// True once there is something to read, or the end.
static bool await(int pipe_fd, const struct midair_interrupt* interrupt) {
  struct pollfd readable = {.fd = pipe_fd, .events = POLLIN};
  while (poll(&readable, 1, kPollMs) <= 0)
    if (interrupt->raised(interrupt->context)) return false;
  return true;
}

enum midair_status midair_rehearse(midair_trial trial, const struct midair_interrupt* interrupt,
                                   struct midair_units* units, struct midair_error* error) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return midair_fail(error, MIDAIR_FAILED, "no pipe: %s", strerror(errno));
  const pid_t child = fork();
  if (child == 0) be_the_child(trial, ends[1]);
  close(ends[1]);
  struct verdict verdict;
  const bool done = child > 0 && await(ends[0], interrupt);
  const bool complete = done && read(ends[0], &verdict, sizeof verdict) == (ssize_t)sizeof verdict;
  close(ends[0]);
  if (child < 0) return midair_fail(error, MIDAIR_FAILED, "no child to rehearse in: %s", strerror(errno));
  if (!complete) kill(child, SIGKILL);
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (!done)
    return midair_fail(
        error, MIDAIR_BUSY,
        "the rehearsal was interrupted; state code that waits for other threads needs MIDAIR_NO_REHEARSAL");
  if (!complete && WIFSIGNALED(status))
    return midair_fail(error, MIDAIR_FAILED, "the migration crashes (signal %d); nothing was lost, it was a rehearsal",
                       WTERMSIG(status));
  if (!complete)
    return midair_fail(error, MIDAIR_FAILED, "the migration ends the process; nothing was lost, it was a rehearsal");
  *units = verdict.units;
  if (error != NULL) *error = verdict.error;
  return verdict.status;
}
