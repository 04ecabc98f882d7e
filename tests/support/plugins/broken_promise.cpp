/// Announces a service that it never offers.
#include "fixture.h"

namespace midair {

namespace {

constexpr PluginDescriptor kDescriptor = describe<IdlePlugin, ServiceNames<kPromise>, Nothing>("broken-promise");

}  // namespace

}  // namespace midair

MIDAIR_PLUGIN(midair::kDescriptor)
