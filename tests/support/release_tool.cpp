/// @file
/// Packs, unpacks and verifies one release, so that tests can watch a process do it. Prints one line: "ok" or
/// "<code> <message>", then its peak memory in KiB.
#include <fcntl.h>

#include <fstream>
#include <iostream>
#include <string>
#include <vector>

#include "midair/durable_file.h"
#include "midair/release/release_archive.h"

namespace midair {

namespace {

Result<void> run(const std::vector<std::string>& args) {
  if (args.size() == 3 && args[0] == "pack") {
    MIDAIR_TRY_ASSIGN(const Fd fd, open_file(args[2], O_RDWR | O_CREAT | O_TRUNC));
    MIDAIR_TRY(pack_release(args[1], "my_app", "1.0.0", fd.get()));
  } else if (args.size() == 3 && args[0] == "extract") {
    MIDAIR_TRY_ASSIGN(const Fd fd, open_file(args[1], O_RDONLY));
    MIDAIR_TRY(extract_release(fd.get(), args[2], {}));
  } else if (args.size() == 2 && args[0] == "verify") {
    MIDAIR_TRY(verify_extracted(args[1]));
  } else {
    return Error{Errc::bad_input, "run", "", "usage: pack DIR TARBALL | extract TARBALL DIR | verify DIR"};
  }
  return {};
}

/// Of this program alone; getrusage would count what it was before exec too.
std::string peak_memory_kib() {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;)
    if (word == "VmHWM:" && status >> word) return word;
  return "0";
}

}  // namespace

}  // namespace midair

int main(int argc, char** argv) {
  const auto result = midair::run({argv + 1, argv + argc});
  if (result.ok())
    std::cout << "ok\n";
  else
    std::cout << midair::to_string(result.error().code) << ' ' << result.error().to_string() << '\n';
  std::cout << midair::peak_memory_kib() << '\n';
  return result.ok() ? 0 : 1;
}
