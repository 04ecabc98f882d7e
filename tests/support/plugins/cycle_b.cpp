/// Needs cycle-a, which needs this one.
#include "fixture.h"

namespace midair {

namespace {

constexpr PluginDescriptor kDescriptor = describe<IdlePlugin, ServiceNames<kEgg>, ServiceNames<kHen>>("cycle-b");

}  // namespace

}  // namespace midair

MIDAIR_PLUGIN(midair::kDescriptor)
