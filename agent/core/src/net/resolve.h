/// @file
/// Names to addresses, under a deadline.
#pragma once

#include <Poco/Net/SocketAddress.h>

#include <cstdint>
#include <string>
#include <vector>

#include "midair/call_timer.h"
#include "midair/error.h"

namespace midair {

/// The addresses of `host`, in the order in which getaddrinfo(3) prefers them; never empty. Errc::unavailable for an
/// unknown name, Errc::timeout and Errc::cancelled as the timer says. "x.localhost" is this host (RFC 6761
/// section 6.3).
///
/// getaddrinfo() can't be given a deadline and may hang for long without a name server: it runs in a thread of its
/// own, which is left to end by itself when nobody waits any longer.
[[nodiscard]] Result<std::vector<Poco::Net::SocketAddress>> resolve(const std::string& host, std::uint16_t port,
                                                                    const CallTimer& timer);

}  // namespace midair
