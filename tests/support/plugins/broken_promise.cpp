/// Announces a service that it never offers.
#include "fixture.h"

namespace midair::host {

namespace {

constexpr PluginDescriptor kDescriptor = describe<IdlePlugin, ServiceNames<kPromise>, Nothing>("broken-promise");

}  // namespace

}  // namespace midair::host

MIDAIR_PLUGIN(midair::host::kDescriptor)
