#include "process/memory.h"

#include <unistd.h>

#include <fstream>
#include <string>

namespace midair::sidecar {

std::uint64_t available_memory() {
  constexpr std::uint64_t kKibibyte = 1024;
  std::ifstream meminfo("/proc/meminfo");
  for (std::string name; meminfo >> name;) {
    std::uint64_t kibibytes = 0;
    if (name == "MemAvailable:" && meminfo >> kibibytes) return kibibytes * kKibibyte;
    std::getline(meminfo, name);
  }
  return 0;
}

std::uint64_t resident_memory(pid_t pid) {
  std::uint64_t size = 0;
  std::uint64_t resident = 0;
  std::ifstream statm("/proc/" + std::to_string(pid) + "/statm");
  if (!(statm >> size >> resident)) return 0;
  return resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

}  // namespace midair::sidecar
