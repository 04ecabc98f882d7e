/// Needs the service of a plugin that fails to start.
#include "fixture.h"

namespace midair {

namespace {

constexpr PluginDescriptor kDescriptor = describe<IdlePlugin, Nothing, ServiceNames<kFailed>>("needs-failed");

}  // namespace

}  // namespace midair

MIDAIR_PLUGIN(midair::kDescriptor)
