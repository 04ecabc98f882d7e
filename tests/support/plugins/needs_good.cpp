/// Starts only after `good`, whose service it uses, and stops before it.
#include "fixture.h"

namespace midair::host {

namespace {

class NeedsGood final : public Plugin {
 public:
  Result<void> start(Context& context) override {
    note("start needs-good");
    auto greeter = context.service<Greeter>(kGreeter);
    if (!greeter) return Error{Errc::bug, "find", kGreeter, "it isn't there"};
    return context.add_command({"greet-twice",
                                "say hello twice",
                                "",
                                {},
                                "",
                                {{"midair greet-twice", "hello hello"}},
                                [greeter](Invocation& in) {
                                  in.console().print(greeter->greeting() + " " + greeter->greeting() + "\n");
                                  return static_cast<int>(kExitOk);
                                }});
  }
  void stop() noexcept override { note("stop needs-good"); }
};

constexpr PluginDescriptor kDescriptor = describe<NeedsGood, Nothing, ServiceNames<kGreeter>>("needs-good");

}  // namespace

}  // namespace midair::host

MIDAIR_PLUGIN(midair::host::kDescriptor)
