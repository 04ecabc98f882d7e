#include "sockets/kernel_settings.h"

#include <fstream>

namespace midair::sidecar {

std::uint16_t first_ephemeral_port() {
  std::uint16_t first = 32768;
  std::ifstream("/proc/sys/net/ipv4/ip_local_port_range") >> first;
  return first;
}

bool let_kernel_move_clients() {
  const char* const setting = "/proc/sys/net/ipv4/tcp_migrate_req";
  int value = 0;
  if (std::ifstream(setting) >> value && value != 0) return true;
  return static_cast<bool>(std::ofstream(setting) << "1\n" << std::flush);
}

}  // namespace midair::sidecar
