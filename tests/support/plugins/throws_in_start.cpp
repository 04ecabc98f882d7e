/// Throws after it has contributed a command, which must be gone again.
#include <stdexcept>

#include "fixture.h"

namespace midair::host {

namespace {

class ThrowsInStart final : public IdlePlugin {
 public:
  Result<void> start(Context& context) override {
    MIDAIR_TRY(context.add_command({"leftover", "must not stay", "", {}, "", {}, [](Invocation&) { return 0; }}));
    throw std::runtime_error("no matches left");
  }
};

constexpr PluginDescriptor kDescriptor = describe<ThrowsInStart, Nothing, Nothing>("throws-in-start");

}  // namespace

}  // namespace midair::host

MIDAIR_PLUGIN(midair::host::kDescriptor)
