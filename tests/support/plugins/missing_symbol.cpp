/// Calls a function that exists nowhere.
#include "fixture.h"

extern "C" void midair_fixture_missing_function();

namespace midair::host {

namespace {

class MissingSymbol final : public IdlePlugin {
 public:
  void stop() noexcept override { midair_fixture_missing_function(); }
};

constexpr PluginDescriptor kDescriptor = describe<MissingSymbol, Nothing, Nothing>("missing-symbol");

}  // namespace

}  // namespace midair::host

MIDAIR_PLUGIN(midair::host::kDescriptor)
