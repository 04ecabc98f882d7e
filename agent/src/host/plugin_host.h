/// @file
/// Loads, starts and stops plugins so that a bad one harms nobody but those that need it.
#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "config/settings.h"
#include "host/command_table.h"
#include "host/service_registry.h"
#include "midair/host/plugin.h"

namespace midair::host {

enum class PluginState { loaded, started, stopped, refused };

[[nodiscard]] const char* to_string(PluginState state) noexcept;

/// What `midair plugins` tells of one plugin.
struct PluginStatus {
  std::string name;  ///< from its descriptor; the file's name without ".so" where that couldn't be read
  std::string path;
  std::string version;  ///< empty where the descriptor couldn't be read
  PluginState state = PluginState::loaded;
  std::string reason;  ///< why it was refused: one sentence without a full stop
};

/// Where plugins are looked for.
struct PluginPlaces {
  std::vector<std::filesystem::path> named;  ///< must be there; searched first, in this order
  std::filesystem::path standard;            ///< need not be there
};

/// What a host and its plugins work on. All must outlive the host.
struct HostParts {
  ServiceRegistry& services;
  CommandTable& commands;
  SettingTable& settings;
};

/// load(), start() and stop() are called once each, in that order, by one thread.
class PluginHost {
 public:
  explicit PluginHost(HostParts parts, std::chrono::milliseconds stop_deadline = std::chrono::seconds(5));
  ~PluginHost();
  PluginHost(const PluginHost&) = delete;
  PluginHost& operator=(const PluginHost&) = delete;

  /// Maps the plugins, checks their descriptors and declares their settings. Of several plugins with one name the first
  /// is taken. None is started.
  void load(const PluginPlaces& places);
  /// Creates and starts them, providers of services before those who need them. `host_services` are there already.
  void start(const Config& config, const std::set<std::string>& host_services);
  /// Stops what was started, in reverse, and withdraws what it contributed. A plugin that doesn't return within the
  /// deadline is left alone, its thread running on: see abandoned().
  void stop() noexcept;

  [[nodiscard]] std::vector<PluginStatus> plugins() const;
  /// True if a plugin did not stop: the process must end without destroying what that plugin may still use.
  [[nodiscard]] bool abandoned() const { return abandoned_; }

 private:
  struct Slot;

  void load_directory(const std::filesystem::path& directory, bool required);
  void load_file(const std::filesystem::path& path);
  void start_one(Slot& slot, const Config& config);
  [[nodiscard]] Result<void> try_start(Slot& slot, const Config& config);
  [[nodiscard]] std::string missing_service(const Slot& slot) const;
  void stop_one(Slot& slot);

  HostParts parts_;
  const std::chrono::milliseconds stop_deadline_;
  std::vector<std::unique_ptr<Slot>> slots_;
  std::vector<Slot*> started_;       // in order
  std::set<std::string> available_;  // names of services
  bool abandoned_ = false;
};

}  // namespace midair::host
