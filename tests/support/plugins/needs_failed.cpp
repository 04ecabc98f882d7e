/// Needs the service of a plugin that fails to start.
#include "fixture.h"

namespace midair::host {

namespace {

constexpr PluginDescriptor kDescriptor = describe<IdlePlugin, Nothing, ServiceNames<kFailed>>("needs-failed");

}  // namespace

}  // namespace midair::host

MIDAIR_PLUGIN(midair::host::kDescriptor)
