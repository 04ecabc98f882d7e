/// Calls itself as another plugin does.
#include "fixture.h"

namespace midair {

namespace {

constexpr PluginDescriptor kDescriptor = describe<IdlePlugin, Nothing, Nothing>("good");

}  // namespace

}  // namespace midair

MIDAIR_PLUGIN(midair::kDescriptor)
