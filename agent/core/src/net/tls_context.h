/// @file
/// What this host trusts when it connects with TLS.
#pragma once

#include <Poco/Net/Context.h>

#include <string>

#include "midair/error.h"

namespace midair {

/// What was wrong with the certificate that this thread was shown last, in OpenSSL's words; empty if nothing was, or if
/// it was taken before.
[[nodiscard]] std::string take_verification_error();

/// TLS 1.2 or later, peers always verified against the system's roots and those in the PEM file `ca_file` (may be
/// empty). Errc::bad_input if that file is unusable.
[[nodiscard]] Result<Poco::Net::Context::Ptr> make_tls_context(const std::string& ca_file);

}  // namespace midair
