/// @file
/// What a plugin is, and what it meets: the only header a plugin needs to start from.
///
/// A plugin is a shared object that names itself with MIDAIR_PLUGIN(...). The host reads `midair_plugin_abi` from the
/// *file* (its ELF symbol table), before the object is loaded: no C++ of a plugin with another ABI is ever run. Then
/// it loads with RTLD_NOW | RTLD_LOCAL, reads the descriptor, creates and starts it. Dependencies are named by service;
/// the host orders plugins by them, starts in that order and stops in reverse.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <typeindex>
#include <vector>

#include "midair/error.h"
#include "midair/secret.h"

namespace midair::host {

/// Raised with every change that an already built plugin would not survive.
inline constexpr std::uint32_t kPluginAbi = 2;

/// The exit status that suits an error.
[[nodiscard]] int exit_status_of(const Error& error) noexcept;

enum class Stream { out, error };

/// Where output goes, so that commands need not know about terminals. Owned by the host. Whatever text a command hands
/// over, no stranger's part of it steers a terminal (foreign_text.h); what strangers wrote must be tamed all the same
/// where it must not break a line or wear our colours.
class Console {
 public:
  virtual ~Console() = default;
  /// Text for people, on standard output, washed: of all control characters only line breaks, tabs and what colour()
  /// adds stay.
  virtual void print(const std::string& text) = 0;
  /// print() of something that changes: on a terminal it goes over what was redrawn before.
  virtual void redraw(const std::string& text) = 0;
  /// What a program elsewhere wrote to its own `stream`: as it is into a pipe or a file, washed on a terminal.
  virtual void relay(Stream stream, const std::string& text) = 0;
  /// One JSON value on a line of standard output (NDJSON). In its strings, control characters are escaped.
  virtual void print_json_line(const std::string& json) = 0;
  /// "midair: <message>" on standard error, with a "Try: <hint>" line where there is a hint; with --json one JSON
  /// object (error_json.h) with `exit_status`, what this error alone ends midair with. Redacted, washed and cut. Its
  /// others follow in the same way.
  virtual void print_error(const Error& error, int exit_status) = 0;
  void print_error(const Error& error) { print_error(error, exit_status_of(error)); }
  /// A progress line on standard error, redrawn in place; silent unless it is a terminal.
  virtual void progress(const std::string& text) = 0;
  [[nodiscard]] virtual bool json() const = 0;         ///< --json was given
  [[nodiscard]] virtual bool interactive() const = 0;  ///< standard output is a terminal
  /// `text` in a colour ("green", "red", "yellow", "dim", "bold") on a terminal without NO_COLOR, else as it is.
  [[nodiscard]] virtual std::string colour(const std::string& name, const std::string& text) const = 0;
};

enum class OptionKind { flag, text, integer, duration };

/// One option of a command: `--name VALUE`. The table makes parsing, --help and shell completion.
struct OptionSpec {
  std::string name;  ///< without dashes
  OptionKind kind = OptionKind::text;
  /// "DIR" in `--from DIR`; empty for flags. Values of DIR, FILE and APP (an app's name) are completed.
  std::string value_name;
  std::string help;
  std::string config_key{};  ///< the setting that this option overrides, e.g. "app"; may be empty
  std::string fallback{};    ///< shown in --help and used where nothing else gives a value; may be empty
  bool required = false;
  std::vector<std::string> values{};  ///< all that it may be; empty: anything of its kind
  bool repeatable = false;            ///< may be given several times: see Invocation::texts()
};

/// A parsed command line.
class Invocation {
 public:
  virtual ~Invocation() = default;
  [[nodiscard]] virtual bool flag(const std::string& name) const = 0;
  /// The option's text: command line, else the setting behind `config_key`, else the fallback, else nothing.
  [[nodiscard]] virtual std::optional<std::string> text(const std::string& name) const = 0;
  /// All that a repeatable option was given on the command line, in order.
  [[nodiscard]] virtual std::vector<std::string> texts(const std::string& name) const = 0;
  /// Checked by the parser for options of kind integer.
  [[nodiscard]] virtual std::optional<std::int64_t> integer(const std::string& name) const = 0;
  /// Checked by the parser for options of kind duration.
  [[nodiscard]] virtual std::optional<std::chrono::milliseconds> duration(const std::string& name) const = 0;
  [[nodiscard]] virtual const std::vector<std::string>& arguments() const = 0;  ///< positional
  [[nodiscard]] virtual Console& console() const = 0;
  /// Requested when the user interrupts (SIGINT, SIGTERM): finish what must be finished and return.
  [[nodiscard]] virtual std::stop_token stop() const = 0;
};

/// Exit statuses, from sysexits.h where it has a word for it. The README lists them.
enum ExitStatus : int {
  kExitOk = 0,
  kExitPartial = 1,        ///< done, but not everywhere
  kExitUsage = 64,         ///< EX_USAGE: wrong command line
  kExitBadInput = 65,      ///< EX_DATAERR: a release, file or object is unusable
  kExitNoInput = 66,       ///< EX_NOINPUT: a named file or directory is missing or unreadable
  kExitUnavailable = 69,   ///< EX_UNAVAILABLE: the store or a service failed
  kExitBug = 70,           ///< EX_SOFTWARE
  kExitCannotCreate = 73,  ///< EX_CANTCREAT
  kExitIo = 74,            ///< EX_IOERR
  kExitTryLater = 75,      ///< EX_TEMPFAIL: somebody else holds the lock
  kExitDenied = 77,        ///< EX_NOPERM
  kExitConfig = 78,        ///< EX_CONFIG
  kExitInterrupted = 130,  ///< 128 + SIGINT
};

/// One subcommand, e.g. `midair hot`, or one of a group, e.g. `midair machines list`. A group is a specification of its
/// own, "machines", without options or anything to run; it is added before its commands.
struct CommandSpec {
  std::string name;         ///< "hot", or "machines list"
  std::string summary;      ///< one line
  std::string description;  ///< paragraphs for --help
  std::vector<OptionSpec> options;
  /// Synopsis of positional arguments, e.g. "[KEY]"; empty: none are accepted. ID (a machine), APP and "this|that" are
  /// completed.
  std::string arguments{};
  std::vector<std::pair<std::string, std::string>> examples;  ///< command line, what it does
  std::function<int(Invocation&)> run;                        ///< empty: this is a group
};

/// Settings after all layers (command line, environment, midair.yaml, fly.toml, defaults) were merged.
class Config {
 public:
  virtual ~Config() = default;
  /// The setting's text, or nothing where no layer gives one. `key` must have been declared (Errc::bug is thrown as
  /// std::logic_error otherwise).
  [[nodiscard]] virtual std::optional<std::string> get(const std::string& key) const = 0;
  /// A variable by its environment name, looked up in the environment, then in `[env]` of fly.toml.
  [[nodiscard]] virtual std::optional<std::string> env(const std::string& name) const = 0;
};

/// One declared setting. Unknown keys in midair.yaml are errors, so every key must be declared.
struct SettingSpec {
  std::string key;  ///< "store", "hot.timeout"
  OptionKind kind = OptionKind::text;
  std::string help;
  std::vector<std::string> env{};  ///< environment names, first hit wins
  std::string fallback{};
  bool secret = false;  ///< shown as ***
};

class Context;

/// A plugin's life: constructed (does nothing), started once, stopped once.
class Plugin {
 public:
  virtual ~Plugin() = default;
  /// Registers services and commands. An error or an exception disables this plugin and those that need it.
  virtual Result<void> start(Context& context) = 0;
  /// Mirrors start(); must return within the host's stop deadline (5 s), after which the host goes on without it.
  virtual void stop() noexcept = 0;
};

/// Where plugins meet the host and each other. Valid from start() to the end of stop(). Thread-safe.
class Context {
 public:
  virtual ~Context() = default;
  [[nodiscard]] virtual const Config& config() const = 0;
  /// Contributes a subcommand. Errc::refused if the name is taken.
  virtual Result<void> add_command(CommandSpec command) = 0;

  /// Offers `service` under its interface and a name, one of the descriptor's `provides`. Errc::refused if it isn't
  /// announced there or is taken. Withdrawn when the plugin stops.
  template <class Interface>
  Result<void> add_service(const std::string& name, std::shared_ptr<Interface> service) {
    return add_service_erased(typeid(Interface), name, std::move(service));
  }
  /// The service with that interface and name, or null.
  template <class Interface>
  [[nodiscard]] std::shared_ptr<Interface> service(const std::string& name) const {
    return std::static_pointer_cast<Interface>(find_service_erased(typeid(Interface), name));
  }

 protected:
  virtual Result<void> add_service_erased(std::type_index interface, const std::string& name,
                                          std::shared_ptr<void> service) = 0;
  [[nodiscard]] virtual std::shared_ptr<void> find_service_erased(std::type_index interface,
                                                                  const std::string& name) const = 0;
};

/// What a plugin says of itself. Plain C, read through the symbol `midair_plugin`.
struct PluginDescriptor {
  const char* name;                                    ///< "hot-upgrade"
  const char* version;                                 ///< "1.0.0"
  const char* const* provides;                         ///< service names, null-terminated
  const char* const* needs;                            ///< service names, null-terminated
  const SettingSpec* (*settings)(std::size_t* count);  ///< declared settings; may be null
  Plugin* (*create)();
  void (*destroy)(Plugin*) noexcept;  ///< freed by the side that allocated
};

}  // namespace midair::host

/// Defines the two C symbols of a plugin; `descriptor` is a constant PluginDescriptor.
#define MIDAIR_PLUGIN(descriptor)                                                                       \
  extern "C" {                                                                                          \
  __attribute__((visibility("default"))) extern const std::uint32_t midair_plugin_abi;                  \
  const std::uint32_t midair_plugin_abi = ::midair::host::kPluginAbi;                                   \
  __attribute__((visibility("default"), used)) const ::midair::host::PluginDescriptor* midair_plugin(); \
  const ::midair::host::PluginDescriptor* midair_plugin() { return &(descriptor); }                     \
  }
