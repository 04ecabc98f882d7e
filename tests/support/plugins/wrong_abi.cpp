/// Was built for another ABI: if one instruction of it were run, the process would be gone.
#include <cstdint>
#include <cstdlib>

namespace {

[[maybe_unused]] const int ran = (std::abort(), 0);

}  // namespace

extern "C" {
__attribute__((visibility("default"))) extern const std::uint32_t midair_plugin_abi;
const std::uint32_t midair_plugin_abi = 999;
}
