/// @file
/// Any text as what a machine writes into the store: its record and its result.
#include "midair/release/machine_state.h"

#include "fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace midair;
  const std::string_view text = text_of(data, size);
  require_round_trip(MachineRecord::parse(text, "fuzz"), kMaxMachineStateBytes);
  require_round_trip(UpgradeResult::parse(text, "fuzz"), kMaxMachineStateBytes);
  return 0;
}
