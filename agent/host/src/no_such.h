/// @file
/// What the doubles of the Machines API answer for what is not there.
#pragma once

#include <string>

#include "midair/error.h"

namespace midair::host {

/// Errc::not_found with the API's status.
[[nodiscard]] inline Error no_such(const std::string& what, const std::string& name) {
  Error error{Errc::not_found, "find " + what, name, "there is none"};
  error.http_status = 404;
  return error;
}

}  // namespace midair::host
