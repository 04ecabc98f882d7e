/// Needs what nobody provides.
#include "fixture.h"

namespace midair {

namespace {

constexpr PluginDescriptor kDescriptor = describe<IdlePlugin, Nothing, ServiceNames<kNowhere>>("unmet-dependency");

}  // namespace

}  // namespace midair

MIDAIR_PLUGIN(midair::kDescriptor)
