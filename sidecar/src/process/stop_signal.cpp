#include "process/stop_signal.h"

#include <csignal>
#include <cstring>

namespace midair::sidecar {

std::string signal_name(int signo) {
  if (signo >= SIGRTMIN) return "RTMIN" + (signo == SIGRTMIN ? "" : "+" + std::to_string(signo - SIGRTMIN));
  const char* const name = ::sigabbrev_np(signo);
  return name == nullptr ? std::to_string(signo) : name;
}

Result<int> parse_stop_signal(const std::string& text) {
  const std::string name = text.starts_with("SIG") ? text.substr(std::strlen("SIG")) : text;
  for (int signo = 1; signo <= SIGRTMAX; ++signo) {
    const bool glibcs_own = signo > SIGSYS && signo < SIGRTMIN;
    if (glibcs_own || (name != signal_name(signo) && text != std::to_string(signo))) continue;
    if (signo != SIGKILL && signo != SIGSTOP) return signo;
    return Error{Errc::bad_input, "use the stop signal", "'" + text + "'", "no process can finish anything on it",
                 "TERM, QUIT, INT, USR1 or WINCH, as the app's server documents it"};
  }
  return Error{Errc::bad_input, "use the stop signal", "'" + text + "'", "there is no such signal",
               "a name such as TERM, QUIT or USR1, or a number"};
}

}  // namespace midair::sidecar
