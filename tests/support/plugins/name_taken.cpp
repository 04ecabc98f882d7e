/// Calls itself as another plugin does.
#include "fixture.h"

namespace midair::host {

namespace {

constexpr PluginDescriptor kDescriptor = describe<IdlePlugin, Nothing, Nothing>("good");

}  // namespace

}  // namespace midair::host

MIDAIR_PLUGIN(midair::host::kDescriptor)
