#include <fcntl.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "application.h"

namespace {

/// With a standard descriptor closed, the next file opened would take its number, and output would go into that file.
void reserve_standard_descriptors() {
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; ++fd)
    if (::fcntl(fd, F_GETFD) < 0) static_cast<void>(::open("/dev/null", O_RDWR));
}

}  // namespace

int main(int argc, char** argv) {
  reserve_standard_descriptors();
  ::prctl(PR_SET_DUMPABLE, 0);  // tokens live here: no core dumps, no debuggers, no peeking into /proc
  return midair::host::AgentApplication().execute(argc, argv);
}
