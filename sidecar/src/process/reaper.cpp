#include "process/reaper.h"

#include <sys/prctl.h>
#include <sys/wait.h>

#include <cerrno>
#include <csignal>

namespace midair::sidecar {

Reaper::Reaper() noexcept {
  ::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
  ::signal(SIGCHLD, SIG_DFL);  // ignored, as some parents leave it, the kernel would swallow every exit status
}

std::vector<Reaped> Reaper::drain() {
  std::vector<Reaped> dead;
  for (;;) {
    int status = 0;
    const pid_t pid = ::waitpid(-1, &status, WNOHANG);
    if (pid > 0) {
      dead.push_back({pid, ExitStatus(status)});
    } else if (pid == 0 || errno != EINTR) {
      return dead;
    }
  }
}

}  // namespace midair::sidecar
