#include <fcntl.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <filesystem>
#include <iostream>
#include <system_error>

#include "application.h"
#include "midair/durable_file.h"
#include "midair/host/plugin.h"

namespace {

/// With a standard descriptor closed, the next file opened would take its number, and output would go into that file.
void reserve_standard_descriptors() {
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; ++fd)
    if (::fcntl(fd, F_GETFD) < 0) static_cast<void>(::open("/dev/null", O_RDWR));
}

/// Poco asks for it before anything of ours runs, and ends the process where there is none.
bool has_working_directory() {
  std::error_code failure;
  static_cast<void>(std::filesystem::current_path(failure));
  if (failure) std::cerr << "midair: cannot use the working directory: " << failure.message() << "\nTry: cd\n";
  return !failure;
}

}  // namespace

int main(int argc, char** argv) {
  reserve_standard_descriptors();
  midair::survive_file_size_limit();
  if (!has_working_directory()) return midair::host::kExitNoInput;
  ::prctl(PR_SET_DUMPABLE, 0);  // tokens live here: no core dumps, no debuggers, no peeking into /proc
  return midair::host::AgentApplication().execute(argc, argv);
}
