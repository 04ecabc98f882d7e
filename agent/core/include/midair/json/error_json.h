/// @file
/// An error for machines.
#pragma once

#include <string>

#include "midair/error.h"

namespace midair {

/// One line: {"error":{"code","op","subject","cause","hint","http_status","request_id"},"exit_status":N}; the last
/// three are null where there is none. Redacted (redact.h), each text cut after 4096 bytes.
[[nodiscard]] std::string error_json(const Error& error, int exit_status);

}  // namespace midair
