/// @file
/// A process names itself as it likes; that never hides of whom it descends. Besides, any text as
/// /proc/PID/stat.
#include "fuzz.h"
#include "loop/process_table.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace midair;
  using namespace midair::sidecar;
  const std::string_view text = text_of(data, size);
  static_cast<void>(parse_process_stat(text));

  const std::string line =
      "12 (" + std::string(text) + ") S 1 12 7 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 4711 1000 100 42\n";
  const auto stat = parse_process_stat(line);
  require(stat && stat->state == 'S' && stat->parent == 1 && stat->session == 7 && stat->start_ticks == 4711);
  return 0;
}
