#include "cli/quiet_stderr.h"

#include <fcntl.h>
#include <unistd.h>

namespace midair::host {

namespace {

constexpr int kLowest = STDERR_FILENO + 1;

}  // namespace

QuietStderr::QuietStderr() : kept_(::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, kLowest)) {
  const Fd nowhere(::open("/dev/null", O_WRONLY | O_CLOEXEC));
  if (kept_ && nowhere) ::dup2(nowhere.get(), STDERR_FILENO);
}

QuietStderr::~QuietStderr() {
  if (kept_) ::dup2(kept_.get(), STDERR_FILENO);
}

}  // namespace midair::host
