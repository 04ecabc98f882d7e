/// @file
/// Any bytes as the state file of another process. Whatever is in it, the module gets whole units or keeps what it has.
#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "fuzz.h"

extern "C" {
#include "modules.h"
#include "state_file.h"
}

namespace midair {

namespace {

/// All that the module "m" knows of its state.
struct Tally {
  std::size_t reserved = 0;
  std::size_t units = 0;
  std::size_t bytes = 0;
};

Tally& tally(void* state) { return *static_cast<Tally*>(state); }

constexpr midair_function kNoCalls[] = {{nullptr, nullptr}};

midair_module make_table() {
  midair_module table{};
  table.abi = MIDAIR_MODULE_ABI;
  table.name = "m";
  table.version = "1";
  table.schema = "m/1";
  table.calls = kNoCalls;
  table.start = [](void** state, midair_error*) {
    *state = new Tally;
    return 0;
  };
  table.stop = [](void* state) { delete static_cast<Tally*>(state); };
  table.reserve = [](void* state, std::size_t units, midair_error*) {
    tally(state).reserved = units;
    return 0;
  };
  table.import_state = [](void* state, const char*, std::size_t unit, const void* data, std::size_t size,
                          midair_error*) {
    require(unit == tally(state).units++ && unit < tally(state).reserved);
    for (std::size_t i = 0; i < size; ++i) tally(state).bytes += static_cast<const unsigned char*>(data)[i];
    return 0;
  };
  return table;
}

}  // namespace

}  // namespace midair

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace midair;
  static const midair_module table = make_table();
  static midair_running module{.name = "m", .now = {.code = {.table = &table, .build_id = ""}, .state = nullptr}};
  static const std::string path = std::filesystem::temp_directory_path() / ("fuzz-state-" + std::to_string(::getpid()));
  if (module.now.state == nullptr) {
    table.start(&module.now.state, nullptr);
    midair_modules = &module;
    std::atexit([] { ::unlink(path.c_str()); });
  }
  const Fd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  require(write_all(file.get(), text_of(data, size), path).ok());

  const void* const before = module.now.state;
  midair_error error{};
  const auto status = midair_read_state(path.c_str(), &error);
  require(status == MIDAIR_OK || module.now.state == before);
  require(status == MIDAIR_OK || error.text[0] != '\0');
  require(tally(module.now.state).units == tally(module.now.state).reserved);
  return 0;
}
