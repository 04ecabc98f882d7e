/// Never comes back from stop().
#include <atomic>

#include "fixture.h"

namespace midair {

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

}  // namespace midair

MIDAIR_PLUGIN(midair::kDescriptor)
