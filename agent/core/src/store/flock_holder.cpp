#include "store/flock_holder.h"

#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <array>
#include <cstdio>
#include <fstream>
#include <sstream>

#include "midair/foreign_text.h"

namespace midair {

namespace {

/// As /proc/locks spells the file: "08:01:123456".
std::string name_in_proc_locks(const struct stat& status) {
  std::array<char, 64> name{};
  std::snprintf(name.data(), name.size(), "%02x:%02x:%llu", major(status.st_dev), minor(status.st_dev),
                static_cast<unsigned long long>(status.st_ino));
  return name.data();
}

/// The state letter in /proc/PID/stat: it follows the last parenthesis.
bool is_stopped(const std::string& process) {
  std::string stat;
  std::getline(std::ifstream("/proc/" + process + "/stat"), stat);
  const auto end = stat.rfind(") ");
  return end != std::string::npos && end + 2 < stat.size() && (stat[end + 2] == 'T' || stat[end + 2] == 't');
}

std::string describe(const std::string& process) {
  std::string name;
  std::getline(std::ifstream("/proc/" + process + "/comm"), name);
  return "process " + process + " (" + printable(name) + (is_stopped(process) ? ", stopped)" : ")");
}

}  // namespace

std::string flock_holder(int fd) {
  struct stat status {};
  if (::fstat(fd, &status) != 0) return {};
  const auto file = name_in_proc_locks(status);
  std::ifstream locks("/proc/locks");
  for (std::string line; std::getline(locks, line);) {
    std::istringstream fields(line);
    std::string number, kind, mode, access, process, name;
    fields >> number >> kind >> mode >> access >> process >> name;
    if (kind == "FLOCK" && access == "WRITE" && name == file && process != "0") return describe(process);
  }
  return {};
}

}  // namespace midair
