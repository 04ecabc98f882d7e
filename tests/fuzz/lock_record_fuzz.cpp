/// @file
/// Any text as the lock of an app.
#include "midair/host/publish/lock_record.h"

#include "fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace midair;
  using namespace midair::host;
  require_round_trip(LockRecord::parse(text_of(data, size), "fuzz"), kMaxLockBytes);
  return 0;
}
