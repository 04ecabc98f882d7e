/// @file
/// What this host trusts when it connects with TLS.
#pragma once

#include <Poco/Net/Context.h>

#include <string>

#include "midair/error.h"

namespace midair {

/// TLS 1.2 or later, peers always verified against the system's roots and those in the PEM file `ca_file` (may be
/// empty). Errc::bad_input if that file is unusable.
[[nodiscard]] Result<Poco::Net::Context::Ptr> make_tls_context(const std::string& ca_file);

}  // namespace midair
