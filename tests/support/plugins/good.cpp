/// A plugin as it should be: a setting, a service, a command that uses every kind of option.
#include <atomic>
#include <iterator>
#include <sstream>
#include <stdexcept>

#include "fixture.h"
#include "midair/host/command_support.h"

namespace midair::host {

namespace {

class FriendlyGreeter final : public Greeter {
 public:
  [[nodiscard]] std::string greeting() const override { return "hello"; }
};

int greet(Invocation& invocation) {
  Console& console = invocation.console();
  std::ostringstream line;
  line << invocation.text("greeting").value_or("nothing");
  for (const auto& name : invocation.arguments()) line << " " << name;
  if (const auto times = invocation.integer("times")) line << " times=" << *times;
  if (const auto pause = invocation.duration("pause")) line << " pause=" << pause->count() << "ms";
  if (invocation.flag("loud")) line << "!";
  if (console.json()) {
    console.print_json_line("{\"greeting\":\"" + line.str() + "\"}");
  } else {
    console.print(line.str() + "\n");
  }
  return kExitOk;
}

CommandSpec greet_command() {
  return {"greet",
          "say hello",
          "Says hello to everybody named.",
          {{"greeting", OptionKind::text, "WORD", "what to say", "good.greeting"},
           {"times", OptionKind::integer, "N", "how often"},
           {"pause", OptionKind::duration, "TIME", "how long to wait"},
           {"from-dir", OptionKind::text, "DIR", "where from"},
           {"tone", OptionKind::text, "TONE", "how", {}, {}, false, {"warm", "cold"}},
           {"loud", OptionKind::flag, "", "with an exclamation mark"}},
          "[NAME...]",
          {{"midair greet --loud you", "says \"hello you!\""}},
          greet};
}

/// Waits to be interrupted, as a long-running command would.
int wait_for_stop(Invocation& invocation) {
  std::stop_token stop = invocation.stop();
  invocation.console().print("waiting\n");
  std::atomic<bool> stopped = false;
  const std::stop_callback wake(stop, [&] {
    stopped = true;
    stopped.notify_one();
  });
  stopped.wait(false);
  if (invocation.flag("stubborn")) std::atomic<bool>(false).wait(false);
  invocation.console().print("stopped\n");
  return kExitInterrupted;
}

/// Prints until it is stopped: a reader that goes away stops it.
int chatter(Invocation& invocation) {
  while (!invocation.stop().stop_requested()) invocation.console().print("chatter\n");
  return kExitInterrupted;
}

/// Shows progress and colour.
int paint(Invocation& invocation) {
  Console& console = invocation.console();
  console.progress("working");
  console.print(console.colour("green", "ready") + "\n");
  return kExitOk;
}

/// Hands over what a stranger wrote wherever a command can.
int quote(Invocation& invocation) {
  Console& console = invocation.console();
  const std::string evil =
      "\x1b]0;owned\x07\x1b[2J\r\xC2\x9B"
      "2J\xE2\x80\xAE\x9B"
      "evil";
  console.progress(evil);
  console.print(evil + "\n" + columns({{evil, "two\nlines"}}, 0));
  console.redraw(evil + "\n");
  console.relay(Stream::out, evil + "\n");
  console.relay(Stream::error, evil + "\n");
  if (console.json()) console.print_json_line("{\"text\":\"\xC2\x9B\x7F\"}");
  console.print_error({Errc::bug, "quote", evil, "two\nlines", evil});
  return kExitOk;
}

/// A group of two commands, one of which is also the name of a command of the first level.
Result<void> add_garden(Context& context) {
  const auto report = [](const char* what) {
    return [what](Invocation& invocation) {
      invocation.console().print(std::string(what) + " " + invocation.arguments().front() + "\n");
      return kExitOk;
    };
  };
  MIDAIR_TRY(
      context.add_command({"garden", "look after plants", "", {}, "", {{"midair garden wait oak", "waits"}}, {}}));
  MIDAIR_TRY(context.add_command({"garden water",
                                  "water a plant",
                                  "",
                                  {{"litres", OptionKind::integer, "N", "how much"}},
                                  "PLANT",
                                  {{"midair garden water oak", "waters the oak"}},
                                  report("watered")}));
  return context.add_command(
      {"garden wait", "wait for a plant", "", {}, "PLANT", {{"midair garden wait oak", "waits"}}, report("awaited")});
}

class Good final : public Plugin {
 public:
  Result<void> start(Context& context) override {
    note("start good");
    MIDAIR_TRY(context.add_service<Greeter>(kGreeter, std::make_shared<FriendlyGreeter>()));
    MIDAIR_TRY(context.add_command(greet_command()));
    MIDAIR_TRY(add_garden(context));
    MIDAIR_TRY(context.add_command({"wait",
                                    "wait to be interrupted",
                                    "",
                                    {{"stubborn", OptionKind::flag, "", "don't return then"}},
                                    "",
                                    {{"midair wait", "waits"}},
                                    wait_for_stop}));
    MIDAIR_TRY(
        context.add_command({"chatter", "print without end", "", {}, "", {{"midair chatter", "prints"}}, chatter}));
    MIDAIR_TRY(context.add_command({"paint", "show colour", "", {}, "", {{"midair paint", "paints"}}, paint}));
    MIDAIR_TRY(context.add_command({"quote", "quote a stranger", "", {}, "", {{"midair quote", "quotes"}}, quote}));
    return context.add_command({"blunder", "throw", "", {}, "", {{"midair blunder", "throws"}}, [](Invocation&) -> int {
                                  throw std::runtime_error("a blunder");
                                }});
  }
  void stop() noexcept override { note("stop good"); }
};

const SettingSpec* settings(std::size_t* count) {
  static const SettingSpec specs[] = {
      {"good.greeting", OptionKind::text, "what greet says", {"GOOD_GREETING"}, "hello"},
      {"good.patience", OptionKind::duration, "how long to be good", {"GOOD_PATIENCE"}},
      {"good.password", OptionKind::text, "a secret", {"GOOD_PASSWORD"}, "", true}};
  *count = std::size(specs);
  return specs;
}

constexpr PluginDescriptor kDescriptor = describe<Good, ServiceNames<kGreeter>, Nothing>("good", settings);

}  // namespace

}  // namespace midair::host

MIDAIR_PLUGIN(midair::host::kDescriptor)
