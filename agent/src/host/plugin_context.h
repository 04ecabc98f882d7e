/// @file
/// The face that the host shows to one plugin.
#pragma once

#include <set>
#include <string>

#include "config/settings.h"
#include "host/command_table.h"
#include "host/service_registry.h"
#include "midair/host/plugin.h"

namespace midair::host {

/// Files what a plugin contributes under that plugin's name. Keeps references to everything it is made of. Thread-safe.
class PluginContext final : public Context {
 public:
  /// `provides`: the services that the plugin's descriptor announces; it may offer no other.
  PluginContext(std::string plugin, std::set<std::string> provides, const Config& config, const SettingTable& settings,
                CommandTable& commands, ServiceRegistry& services);

  [[nodiscard]] const Config& config() const override { return config_; }
  Result<void> add_command(CommandSpec command) override;

 protected:
  Result<void> add_service_erased(std::type_index interface, const std::string& name,
                                  std::shared_ptr<void> service) override;
  [[nodiscard]] std::shared_ptr<void> find_service_erased(std::type_index interface,
                                                          const std::string& name) const override;

 private:
  const std::string plugin_;
  const std::set<std::string> provides_;
  const Config& config_;
  const SettingTable& settings_;
  CommandTable& commands_;
  ServiceRegistry& services_;
};

}  // namespace midair::host
