/// A plugin with one command, `midair hello [NAME]`, and one service: a store for tokens.
#include <midair/host/plugin.h>
#include <midair/json/json.h>

#include "file_token_store.h"

namespace {

using namespace midair;
using namespace midair::host;

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
    const std::string directory = context.config().get("hello.tokens").value_or("");
    MIDAIR_TRY(context.add_service<TokenStore>("token-store:files", std::make_shared<FileTokenStore>(directory)));
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

const SettingSpec* settings(std::size_t* count) {
  static const SettingSpec specs[] = {
      {"hello.tokens", OptionKind::text, "the directory of tokens.store: files", {"HELLO_TOKENS"}, "tokens"}};
  *count = 1;
  return specs;
}

constexpr const char* kProvides[] = {"token-store:files", nullptr};
constexpr const char* kNone[] = {nullptr};

constexpr PluginDescriptor kDescriptor{
    .name = "hello",
    .version = "1.0.0",
    .provides = kProvides,
    .needs = kNone,
    .settings = settings,
    .create = []() -> Plugin* { return new HelloPlugin; },
    .destroy = [](Plugin* plugin) noexcept { delete plugin; },
};

}  // namespace

MIDAIR_PLUGIN(kDescriptor)
