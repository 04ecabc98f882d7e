/// @file
/// The plugin `hot-upgrade`: `midair hot`, `midair status`, and the fleet as store and platform know it.
#include <array>

#include "commands.h"
#include "midair/fault.h"
#include "midair/host/fleet/fleet_directory.h"
#include "midair/host/plugin.h"
#include "midair/host/store_provider.h"

namespace midair::host::hot {

namespace {

class HotUpgradePlugin final : public Plugin {
 public:
  Result<void> start(Context& context) override {
    const auto directory =
        std::make_shared<FleetDirectory>([&context] { return context.service<MachinesApiProvider>("machines-api"); });
    MIDAIR_TRY(context.add_service<MachineDirectory>("machine-directory", directory));
    const CommandTools tools{context.service<StoreProvider>("store"), directory};
    if (!tools.stores) return Error{Errc::not_found, "find the service", "store", "nobody offers it"};
    MIDAIR_TRY(context.add_command(hot_command(tools)));
    if (kFaultsCompiledIn) MIDAIR_TRY(context.add_command(faults_command()));
    return context.add_command(status_command(tools));
  }
  void stop() noexcept override {}
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

constexpr std::array<const char*, 2> kProvides{"machine-directory", nullptr};
constexpr std::array<const char*, 2> kNeeds{"store", nullptr};
constexpr PluginDescriptor kDescriptor{
    "hot-upgrade", MIDAIR_BUILD_VERSION, kProvides.data(), kNeeds.data(), settings, create, destroy};

}  // namespace

}  // namespace midair::host::hot

MIDAIR_PLUGIN(midair::host::hot::kDescriptor)
