/// @file
/// Any text as a fly.toml: values know where they stand.
#include "fuzz.h"
#include "midair/config/fly_toml.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace midair;
  const MemoryFile file(text_of(data, size));
  const auto fly = read_fly_toml(file.path());
  if (!fly.ok()) {
    require(fly.error().code == Errc::bad_input);
    return 0;
  }
  if (fly->app) require(fly->app->origin.starts_with(file.path()) && fly->app->text.size() <= size);
  for (const auto& [name, value] : fly->env) require(value.origin.ends_with("[env] " + name));
  return 0;
}
