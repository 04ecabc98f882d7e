/// Needs cycle-b, which needs this one.
#include "fixture.h"

namespace midair::host {

namespace {

constexpr PluginDescriptor kDescriptor = describe<IdlePlugin, ServiceNames<kHen>, ServiceNames<kEgg>>("cycle-a");

}  // namespace

}  // namespace midair::host

MIDAIR_PLUGIN(midair::host::kDescriptor)
