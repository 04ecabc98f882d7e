#include "commands.h"

namespace midair::host::hot {

int fail_without_store(const Invocation& invocation, const Error& error) {
  return fail(invocation, error, error.code == Errc::bad_input ? kExitConfig : exit_status_of(error));
}

}  // namespace midair::host::hot
