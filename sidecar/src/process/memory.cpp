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

std::uint64_t resident_memory(const std::vector<pid_t>& processes) {
  std::uint64_t pages = 0;
  for (const pid_t pid : processes) {
    std::uint64_t size = 0;
    std::uint64_t resident = 0;
    std::ifstream statm("/proc/" + std::to_string(pid) + "/statm");
    if (statm >> size >> resident) pages += resident;
  }
  return pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

}  // namespace midair::sidecar
