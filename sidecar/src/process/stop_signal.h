/// @file
/// The signal by which the app is asked to end.
#pragma once

#include <string>

#include "midair/error.h"

namespace midair::sidecar {

/// Reads "QUIT", "SIGQUIT", "3", "RTMIN+4". Errc::bad_input for what is no signal, and for KILL and STOP, which no app
/// can answer by finishing what it has begun.
[[nodiscard]] Result<int> parse_stop_signal(const std::string& text);

/// "TERM", "RTMIN+4"; the number where it has no name.
[[nodiscard]] std::string signal_name(int signo);

}  // namespace midair::sidecar
