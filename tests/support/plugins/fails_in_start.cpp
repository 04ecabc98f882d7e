/// Returns an error from start(); needs_failed depends on it.
#include "fixture.h"

namespace midair {

namespace {

class FailsInStart final : public IdlePlugin {
 public:
  Result<void> start(Context&) override { return Error{Errc::unavailable, "reach", "the moon", "it is cloudy"}; }
};

constexpr PluginDescriptor kDescriptor = describe<FailsInStart, ServiceNames<kFailed>, Nothing>("fails-in-start");

}  // namespace

}  // namespace midair

MIDAIR_PLUGIN(midair::kDescriptor)
