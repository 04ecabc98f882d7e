/// @file
/// What Fly's refusals mean.
#pragma once

#include <string>

#include "midair/error.h"
#include "midair/net/http_client.h"

namespace midair::host::machines {

/// The error behind an answer other than 2xx. `op` is a verb phrase, `subject` the method and the URL.
[[nodiscard]] Error fly_error(const HttpAnswer& answer, std::string op, std::string subject);

/// True if the API refused because of a lease that somebody else holds.
[[nodiscard]] bool is_lease_conflict(const Error& error);

/// True if the machine has not finished what it was told before: the same call will succeed soon.
[[nodiscard]] bool is_still_active(const Error& error);

}  // namespace midair::host::machines
