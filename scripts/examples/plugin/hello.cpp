/// A plugin with one command: `midair hello [NAME]`.
#include <midair/json.h>
#include <midair/plugin.h>

namespace {

using namespace midair;

int say_hello(Invocation& invocation) {
  const auto& arguments = invocation.arguments();
  const std::string name = arguments.empty() ? "world" : arguments.front();
  Console& console = invocation.console();
  if (console.json()) {
    Poco::JSON::Object answer;
    answer.set("hello", name);
    console.print_json_line(to_canonical_json(answer));
  } else {
    console.print(console.colour("green", "Hello, " + name + "!") + "\n");
  }
  return kExitOk;
}

class HelloPlugin final : public Plugin {
 public:
  Result<void> start(Context& context) override {
    return context.add_command({.name = "hello",
                                .summary = "say hello",
                                .description = "Says hello to NAME, or to the world.",
                                .options = {},
                                .arguments = "[NAME]",
                                .examples = {{"midair hello Fly", "greets Fly"}},
                                .run = say_hello});
  }
  void stop() noexcept override {}
};

constexpr const char* kNone[] = {nullptr};

constexpr PluginDescriptor kDescriptor{
    .name = "hello",
    .version = "1.0.0",
    .provides = kNone,
    .needs = kNone,
    .settings = nullptr,
    .create = []() -> Plugin* { return new HelloPlugin; },
    .destroy = [](Plugin* plugin) noexcept { delete plugin; },
};

}  // namespace

MIDAIR_PLUGIN(kDescriptor)
