/// Never comes back from stop().
#include <atomic>

#include "fixture.h"

namespace midair::host {

namespace {

class SlowStop final : public IdlePlugin {
 public:
  void stop() noexcept override {
    note("stop slow-stop");
    std::atomic<bool>(false).wait(false);
  }
};

constexpr PluginDescriptor kDescriptor = describe<SlowStop, Nothing, Nothing>("slow-stop");

}  // namespace

}  // namespace midair::host

MIDAIR_PLUGIN(midair::host::kDescriptor)
