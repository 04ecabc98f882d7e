/// @file
/// Any text as a pointer: what is accepted survives being written and read again, also with another upgrade in it.
#include "midair/release/pointer.h"

#include "fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace midair;
  auto pointer = Pointer::parse(text_of(data, size), "fuzz");
  require_round_trip(pointer, kMaxPointerBytes);
  if (!pointer.ok()) return 0;
  HotUpgrade upgrade;
  upgrade.version = "1";
  upgrade.base_image_ref = "image";
  pointer->set_hot_upgrade(upgrade, "now");
  const std::string text = pointer->to_json();
  const auto again = Pointer::parse(text, "fuzz");
  require(again.ok() || text.size() > kMaxPointerBytes);
  require(!again.ok() || (again->image_ref() == "image" && again->hot_upgrade()->version == "1"));
  return 0;
}
