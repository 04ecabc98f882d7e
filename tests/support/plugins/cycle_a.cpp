/// Needs cycle-b, which needs this one.
#include "fixture.h"

namespace midair {

namespace {

constexpr PluginDescriptor kDescriptor = describe<IdlePlugin, ServiceNames<kHen>, ServiceNames<kEgg>>("cycle-a");

}  // namespace

}  // namespace midair

MIDAIR_PLUGIN(midair::kDescriptor)
