/// @file
/// Any text as a pointer: what is accepted survives being written and read again, also with another upgrade in it.
#include <cstdint>
#include <cstdlib>

#include "midair/pointer.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using midair::Pointer;
  auto pointer = Pointer::parse({reinterpret_cast<const char*>(data), size}, "fuzz");
  if (!pointer.ok()) return 0;
  const auto again = Pointer::parse(pointer->to_json(), "fuzz");
  // Numbers may grow when they are written (1e300), and a document with them.
  if (!again.ok() && pointer->to_json().size() <= midair::kMaxPointerBytes) std::abort();
  if (again.ok() && again->to_json() != pointer->to_json()) std::abort();

  midair::HotUpgrade upgrade;
  upgrade.version = "1";
  pointer->set_hot_upgrade("image", upgrade, "now");
  const std::string text = pointer->to_json();
  if (text.size() <= midair::kMaxPointerBytes && !Pointer::parse(text, "fuzz").ok()) std::abort();
  return 0;
}
