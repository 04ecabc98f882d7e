#include "host/plugin_context.h"

namespace midair::host {

PluginContext::PluginContext(std::string plugin, std::set<std::string> provides, const Config& config,
                             const SettingTable& settings, CommandTable& commands, ServiceRegistry& services)
    : plugin_(std::move(plugin)),
      provides_(std::move(provides)),
      config_(config),
      settings_(settings),
      commands_(commands),
      services_(services) {}

Result<void> PluginContext::add_command(CommandSpec command) {
  return commands_.add(plugin_, std::move(command), settings_);
}

Result<void> PluginContext::add_service_erased(std::type_index interface, const std::string& name,
                                               std::shared_ptr<void> service) {
  if (!provides_.contains(name))
    return Error{Errc::refused, "offer the service", name, "the plugin's descriptor doesn't announce it in 'provides'"};
  return services_.add(plugin_, interface, name, std::move(service));
}

std::shared_ptr<void> PluginContext::find_service_erased(std::type_index interface, const std::string& name) const {
  return services_.find(interface, name);
}

}  // namespace midair::host
