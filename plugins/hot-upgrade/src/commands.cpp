#include "commands.h"

#include "midair/layout.h"

namespace midair {

Result<std::string> app_of(const Invocation& invocation) {
  const auto app = invocation.text("app");
  if (!app)
    return Error{Errc::bad_input, "choose the app", "", "none is named",
                 "--app NAME, or app in fly.toml or midair.yaml, or FLY_APP_NAME"};
  MIDAIR_TRY(check_app_name(*app));
  return *app;
}

int fail(const Invocation& invocation, const Error& error) {
  invocation.console().print_error(error);
  return exit_status_of(error);
}

int fail_without_store(const Invocation& invocation, const Error& error) {
  const int status = fail(invocation, error);
  return error.code == Errc::bad_input ? kExitConfig : status;
}

}  // namespace midair
