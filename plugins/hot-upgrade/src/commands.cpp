#include "commands.h"

namespace midair::host::hot {

int fail_without_store(const Invocation& invocation, const Error& error) {
  const int status = fail(invocation, error);
  return error.code == Errc::bad_input ? kExitConfig : status;
}

}  // namespace midair::host::hot
