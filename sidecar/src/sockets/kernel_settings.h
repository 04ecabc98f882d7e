/// @file
/// Settings of the network namespace that leading connections depends on.
#pragma once

#include <cstdint>

namespace midair::sidecar {

/// The first port that the kernel gives to who asks for none: net.ipv4.ip_local_port_range, 32768 unless configured
/// otherwise (ip-sysctl in the kernel's documentation).
[[nodiscard]] std::uint16_t first_ephemeral_port();

/// Lets the kernel move who waits in the queue of a socket that leaves its group (net.ipv4.tcp_migrate_req, Linux
/// 5.14), for the whole network namespace. False where it can't or we may not.
[[nodiscard]] bool let_kernel_move_clients();

}  // namespace midair::sidecar
