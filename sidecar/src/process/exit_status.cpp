#include "process/exit_status.h"

#include <sys/wait.h>

#include "process/stop_signal.h"

namespace midair::sidecar {

int ExitStatus::code() const noexcept {
  return WIFSIGNALED(wait_status_) ? 128 + WTERMSIG(wait_status_) : WEXITSTATUS(wait_status_);
}

int ExitStatus::signal() const noexcept { return WIFSIGNALED(wait_status_) ? WTERMSIG(wait_status_) : 0; }

std::string ExitStatus::text() const {
  if (!WIFSIGNALED(wait_status_)) return "exited with status " + std::to_string(WEXITSTATUS(wait_status_));
  const int signo = WTERMSIG(wait_status_);
  return "was killed by signal " + std::to_string(signo) + " (" + signal_name(signo) + ")";
}

}  // namespace midair::sidecar
