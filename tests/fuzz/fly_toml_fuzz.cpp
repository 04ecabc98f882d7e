/// @file
/// Any text as Fly's configuration in its three languages: values know where they stand and are never empty.
#include "config/fly_node.h"
#include "fuzz.h"
#include "midair/config/fly_config.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace midair;
  const std::string text(text_of(data, size));
  static_cast<void>(parse_fly_json(text, "fly.json"));
  static_cast<void>(parse_fly_yaml(text, "fly.yaml"));
  const MemoryFile file(text);
  const auto fly = read_fly_config(file.path());
  if (!fly.ok()) {
    require(fly.error().code == Errc::bad_input);
    return 0;
  }
  if (fly->app) require(fly->app->origin.starts_with(file.path()) && fly->app->text.size() <= size);
  for (const auto& [name, value] : fly->env) require(value.origin.ends_with("[env] " + name) && !value.text.empty());
  return 0;
}
