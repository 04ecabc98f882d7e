/// @file
/// Any text as a midair.yaml: no key twice, and no more than was written.
#include <set>

#include "config/config_files.h"
#include "fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace midair;
  using namespace midair::host;
  const MemoryFile file(text_of(data, size));
  const auto settings = read_midair_yaml(file.path());
  if (!settings.ok()) {
    require(settings.error().code == Errc::bad_input);
    return 0;
  }
  std::set<std::string> keys;
  for (const auto& [key, value] : *settings) require(keys.insert(key).second);
  require(keys.size() <= size);
  return 0;
}
