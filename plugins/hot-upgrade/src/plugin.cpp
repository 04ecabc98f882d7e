/// @file
/// The plugin `hot-upgrade`: `midair hot`, `midair rollback`, `midair status`, and the fleet as store and platform know
/// it.
#include <array>

#include "commands.h"
#include "midair/fault.h"
#include "midair/host/fleet/fleet_directory.h"
#include "midair/host/plugin.h"
#include "midair/host/store_provider.h"
#include "publisher.h"

namespace midair::host::hot {

namespace {

template <class Service>
Result<std::shared_ptr<Service>> need(const Context& context, const std::string& name) {
  auto service = context.service<Service>(name);
  if (!service) return Error{Errc::not_found, "find the service", name, "nobody offers it"};
  return service;
}

/// The platform's view, if a plugin offers it.
Result<std::shared_ptr<MachinesRead>> machines_of(const Context& context) {
  const auto provider = context.service<MachinesApiProvider>("machines-api");
  if (!provider) return std::shared_ptr<MachinesRead>();
  MIDAIR_TRY_ASSIGN(auto api, provider->api());
  return std::shared_ptr<MachinesRead>(std::move(api));
}

class HotUpgradePlugin final : public Plugin {
 public:
  Result<void> start(Context& context) override {
    CommandTools tools;
    MIDAIR_TRY_ASSIGN(tools.stores, need<StoreProvider>(context, "store"));
    MIDAIR_TRY_ASSIGN(tools.events, need<EventBus>(context, "events"));
    tools.directory = std::make_shared<FleetDirectory>([&context] { return machines_of(context); });
    tools.upgrader = std::make_shared<Publisher>(
        PublisherWorld{*tools.stores, *tools.directory, system_clock(), pause, *tools.events});
    tools_ = tools;
    MIDAIR_TRY(context.add_service<MachineDirectory>("machine-directory", tools.directory));
    MIDAIR_TRY(context.add_service<Upgrader>("upgrader", tools.upgrader));
    MIDAIR_TRY(context.add_command(hot_command(tools)));
    MIDAIR_TRY(context.add_command(rollback_command(tools)));
    if (kFaultsCompiledIn) MIDAIR_TRY(context.add_command(faults_command()));
    return context.add_command(status_command(tools));
  }
  void stop() noexcept override {}

 private:
  CommandTools tools_;  ///< what the publisher refers to
};

const SettingSpec* settings(std::size_t* count) {
  static const std::array<SettingSpec, 2> specs{{
      {"hot.timeout", OptionKind::duration, "how long `midair hot` waits for the machines' answers", {}, "5m"},
      {"hot.lock_timeout", OptionKind::duration, "a lock that is not renewed for so long may be taken over", {}, "5m"},
  }};
  *count = specs.size();
  return specs.data();
}

Plugin* create() { return new HotUpgradePlugin; }
void destroy(Plugin* plugin) noexcept { delete plugin; }

constexpr std::array<const char*, 3> kProvides{"machine-directory", "upgrader", nullptr};
constexpr std::array<const char*, 3> kNeeds{"store", "events", nullptr};
constexpr PluginDescriptor kDescriptor{
    "hot-upgrade", MIDAIR_BUILD_VERSION, kProvides.data(), kNeeds.data(), settings, create, destroy};

}  // namespace

}  // namespace midair::host::hot

MIDAIR_PLUGIN(midair::host::hot::kDescriptor)
