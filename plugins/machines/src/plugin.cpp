/// @file
/// The plugin `machines`: the Fly Machines API as a service, and the commands over it.
#include <array>
#include <filesystem>
#include <mutex>

#include "commands.h"
#include "machines_client.h"
#include "midair/host/plugin.h"

namespace midair::host::machines {

namespace {

/// In a machine of Fly its own part of the API, without a token; elsewhere nothing.
Result<LocalApi> local_api(const Config& config) {
  const auto app = config.env("FLY_APP_NAME");
  const auto id = config.env("FLY_MACHINE_ID");
  const auto socket = config.get("machines.socket");
  std::error_code ignored;
  if (!app || !id || !socket || !std::filesystem::is_socket(*socket, ignored)) return LocalApi{};
  MIDAIR_TRY_ASSIGN(auto http, HttpClient::open("unix://" + *socket, ""));
  return LocalApi{std::move(http), api_path({"apps", *app, "machines", *id})};
}

Result<std::shared_ptr<MachinesApi>> make_client(const Context& context) {
  const Config& config = context.config();
  MIDAIR_TRY_ASSIGN(auto http,
                    HttpClient::open(config.get("machines.base_url").value_or(""), config.get("ca_file").value_or("")));
  MIDAIR_TRY_ASSIGN(auto local, local_api(config));
  auto find_tokens = [&context] { return context.service<TokenSource>("token-source"); };
  auto fly = std::make_unique<FlyClient>(std::move(http), std::move(local), std::move(find_tokens));
  return std::shared_ptr<MachinesApi>(std::make_shared<MachinesClient>(std::move(fly)));
}

/// Opens the client at its first use: by then the command line's settings are known.
class LazyApi final : public MachinesApiProvider {
 public:
  explicit LazyApi(const Context& context) : context_(context) {}
  Result<std::shared_ptr<MachinesApi>> api() override {
    const std::lock_guard lock(mutex_);
    if (!api_) {
      MIDAIR_TRY_ASSIGN(api_, make_client(context_));
    }
    return api_;
  }

 private:
  const Context& context_;
  std::mutex mutex_;
  std::shared_ptr<MachinesApi> api_;  ///< guarded by mutex_
};

class MachinesPlugin final : public Plugin {
 public:
  Result<void> start(Context& context) override {
    const Provider provider{std::make_shared<LazyApi>(context),
                            context.config().get("machines.lease_nonce").value_or("")};
    MIDAIR_TRY(context.add_service<MachinesApiProvider>("machines-api", provider.api));
    for (auto& command : machines_commands(provider)) MIDAIR_TRY(context.add_command(std::move(command)));
    for (auto& command : apps_commands(provider)) MIDAIR_TRY(context.add_command(std::move(command)));
    for (auto& command : volumes_commands(provider)) MIDAIR_TRY(context.add_command(std::move(command)));
    for (auto& command : secrets_commands(provider)) MIDAIR_TRY(context.add_command(std::move(command)));
    return {};
  }
  void stop() noexcept override {}
};

const SettingSpec* settings(std::size_t* count) {
  static const std::array<SettingSpec, 4> specs{{
      {"machines.base_url", OptionKind::text, "the Machines API", {"FLY_FLAPS_BASE_URL"}, "https://api.machines.dev"},
      {"machines.socket", OptionKind::text, "in a machine: its own API, without a token", {}, "/.fly/api"},
      {"machines.concurrency", OptionKind::integer, "how many machines are worked on at once", {}, "8"},
      {"machines.lease_nonce", OptionKind::text, "of a lease that is held", {"MIDAIR_LEASE_NONCE"}, "", true},
  }};
  *count = specs.size();
  return specs.data();
}

Plugin* create() { return new MachinesPlugin; }
void destroy(Plugin* plugin) noexcept { delete plugin; }

constexpr std::array<const char*, 2> kProvides{"machines-api", nullptr};
constexpr std::array<const char*, 1> kNeeds{nullptr};
constexpr PluginDescriptor kDescriptor{
    "machines", MIDAIR_BUILD_VERSION, kProvides.data(), kNeeds.data(), settings, create, destroy};

}  // namespace

}  // namespace midair::host::machines

MIDAIR_PLUGIN(midair::host::machines::kDescriptor)
