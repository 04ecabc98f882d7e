#include "midair/host/plugin.h"

namespace midair::host {

int exit_status_of(const Error& error) noexcept {
  switch (error.code) {
    case Errc::bad_input:
    case Errc::corrupt:
    case Errc::refused: return kExitBadInput;
    case Errc::not_found: return kExitNoInput;
    case Errc::precondition: return kExitTryLater;
    case Errc::timeout:
    case Errc::throttled:
    case Errc::unavailable: return kExitUnavailable;
    case Errc::denied: return kExitDenied;
    case Errc::no_space: return kExitCannotCreate;
    case Errc::io: return kExitIo;
    case Errc::cancelled: return kExitInterrupted;
    case Errc::bug: return kExitBug;
  }
  return kExitBug;
}

}  // namespace midair::host
