/// Needs cycle-a, which needs this one.
#include "fixture.h"

namespace midair::host {

namespace {

constexpr PluginDescriptor kDescriptor = describe<IdlePlugin, ServiceNames<kEgg>, ServiceNames<kHen>>("cycle-b");

}  // namespace

}  // namespace midair::host

MIDAIR_PLUGIN(midair::host::kDescriptor)
