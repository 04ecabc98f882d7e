/// Returns an error from start(); needs_failed depends on it.
#include "fixture.h"

namespace midair::host {

namespace {

class FailsInStart final : public IdlePlugin {
 public:
  Result<void> start(Context&) override { return Error{Errc::unavailable, "reach", "the moon", "it is cloudy"}; }
};

constexpr PluginDescriptor kDescriptor = describe<FailsInStart, ServiceNames<kFailed>, Nothing>("fails-in-start");

}  // namespace

}  // namespace midair::host

MIDAIR_PLUGIN(midair::host::kDescriptor)
