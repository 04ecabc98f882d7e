#include "host/plugin_host.h"

#include <algorithm>
#include <exception>
#include <future>
#include <thread>

#include "host/plugin_context.h"
#include "host/plugin_file.h"
#include "host/plugin_order.h"
#include "midair/log.h"

namespace midair::host {

namespace fs = std::filesystem;

struct PluginHost::Slot {
  PluginStatus status;
  const PluginDescriptor* descriptor = nullptr;
  std::shared_ptr<PluginContext> context{};
  Plugin* instance = nullptr;

  void refuse(std::string reason) {
    status.state = PluginState::refused;
    status.reason = std::move(reason);
  }
};

namespace {

std::vector<std::string> words(const char* const* list) {
  std::vector<std::string> result;
  for (; *list != nullptr; ++list) result.emplace_back(*list);
  return result;
}

std::set<std::string> word_set(const char* const* list) {
  const auto all = words(list);
  return {all.begin(), all.end()};
}

/// The reason behind an error, in a sentence that stands beside the plugin's path.
std::string reason_of(const Error& error) { return error.hint.empty() ? error.cause : error.cause + "; " + error.hint; }

/// Declares all of a plugin's settings or, where one is taken, none that would matter: the plugin is refused.
Result<void> declare_settings(const PluginDescriptor& descriptor, SettingTable& table) {
  if (descriptor.settings == nullptr) return {};
  std::size_t count = 0;
  const SettingSpec* specs = descriptor.settings(&count);
  for (std::size_t i = 0; i < count; ++i) MIDAIR_TRY(table.add(specs[i]));
  return {};
}

}  // namespace

const char* to_string(PluginState state) noexcept {
  switch (state) {
    case PluginState::loaded: return "loaded";
    case PluginState::started: return "started";
    case PluginState::stopped: return "stopped";
    case PluginState::refused: return "refused";
  }
  return "refused";
}

PluginHost::PluginHost(HostParts parts, std::chrono::milliseconds stop_deadline)
    : parts_(parts), stop_deadline_(stop_deadline) {}

PluginHost::~PluginHost() { stop(); }

void PluginHost::load(const PluginPlaces& places) {
  std::set<fs::path> seen;
  const auto once = [&](const fs::path& directory, bool required) {
    std::error_code ignored;
    if (seen.insert(fs::weakly_canonical(directory, ignored)).second) load_directory(directory, required);
  };
  for (const auto& directory : places.named) once(directory, true);
  once(places.standard, false);
}

void PluginHost::load_directory(const fs::path& directory, bool required) {
  const auto files = list_plugin_files(directory);
  if (files.ok()) {
    for (const auto& path : *files) load_file(path);
  } else if (required || files.error().code != Errc::not_found) {
    slots_.push_back(std::make_unique<Slot>(Slot{{"", directory.string(), "", {}, {}}}));
    slots_.back()->refuse(reason_of(files.error()));
  }
}

void PluginHost::load_file(const fs::path& path) {
  slots_.push_back(std::make_unique<Slot>(Slot{{path.stem().string(), path.string(), "", {}, {}}}));
  Slot& slot = *slots_.back();
  const auto mapped = map_plugin(path);
  if (!mapped.ok()) return slot.refuse(reason_of(mapped.error()));
  slot.descriptor = *mapped;
  slot.status.name = slot.descriptor->name;
  slot.status.version = slot.descriptor->version;
  for (const auto& other : slots_)
    if (other.get() != &slot && other->descriptor != nullptr && other->status.name == slot.status.name)
      return slot.refuse("its name '" + slot.status.name + "' is taken by " + other->status.path);
  if (const auto declared = declare_settings(*slot.descriptor, parts_.settings); !declared.ok())
    slot.refuse(declared.error().message());
}

void PluginHost::start(const Config& config, const std::set<std::string>& host_services) {
  std::vector<Slot*> candidates;
  std::vector<PluginNode> nodes;
  for (const auto& slot : slots_) {
    if (slot->status.state != PluginState::loaded) continue;
    candidates.push_back(slot.get());
    nodes.push_back({slot->status.name, words(slot->descriptor->provides), words(slot->descriptor->needs)});
  }
  StartOrder plan = plan_start_order(nodes, host_services);
  for (auto& [index, reason] : plan.refusals) candidates[index]->refuse(std::move(reason));
  available_ = host_services;
  for (const std::size_t index : plan.order) start_one(*candidates[index], config);
}

void PluginHost::start_one(Slot& slot, const Config& config) {
  if (const std::string service = missing_service(slot); !service.empty())
    return slot.refuse("it needs the service '" + service + "', whose plugin was refused");
  const auto started = try_start(slot, config);
  if (!started.ok()) {
    parts_.commands.withdraw(slot.status.name);
    parts_.services.withdraw(slot.status.name);
    if (slot.instance != nullptr) slot.descriptor->destroy(std::exchange(slot.instance, nullptr));
    return slot.refuse(started.error().to_string());
  }
  slot.status.state = PluginState::started;
  available_.merge(parts_.services.names_of(slot.status.name));
  started_.push_back(&slot);
}

std::string PluginHost::missing_service(const Slot& slot) const {
  for (auto& service : words(slot.descriptor->needs))
    if (!available_.contains(service)) return service;
  return {};
}

Result<void> PluginHost::try_start(Slot& slot, const Config& config) {
  const auto failed = [&](std::string cause) {
    return Error{Errc::refused, "start the plugin", slot.status.name, std::move(cause)};
  };
  try {
    slot.instance = slot.descriptor->create();
    if (slot.instance == nullptr) return failed("its create() gave nothing");
    slot.context = std::make_shared<PluginContext>(slot.status.name, word_set(slot.descriptor->provides), config,
                                                   parts_.settings, parts_.commands, parts_.services);
    MIDAIR_TRY(slot.instance->start(*slot.context));
  } catch (const std::exception& failure) {
    return failed("it threw: " + std::string(failure.what()));
  } catch (...) {
    return failed("it threw something that is no std::exception");
  }
  const auto offered = parts_.services.names_of(slot.status.name);
  for (const auto& service : words(slot.descriptor->provides))
    if (!offered.contains(service)) return failed("it announces the service '" + service + "' but doesn't offer it");
  return {};
}

void PluginHost::stop() noexcept {
  while (!started_.empty()) {
    Slot& slot = *started_.back();
    started_.pop_back();
    stop_one(slot);
  }
}

void PluginHost::stop_one(Slot& slot) {
  std::promise<void> promise;
  const std::future<void> stopped = promise.get_future();
  std::thread stopper([instance = slot.instance, context = slot.context, promise = std::move(promise)]() mutable {
    instance->stop();
    promise.set_value();
  });
  slot.status.state = PluginState::stopped;
  if (stopped.wait_for(stop_deadline_) == std::future_status::timeout) {
    log(LogLevel::warning, "plugin.stop_timeout", {{"plugin", slot.status.name}});
    abandoned_ = true;
    stopper.detach();
    return;
  }
  stopper.join();
  parts_.commands.withdraw(slot.status.name);
  parts_.services.withdraw(slot.status.name);
  slot.descriptor->destroy(std::exchange(slot.instance, nullptr));
}

std::vector<PluginStatus> PluginHost::plugins() const {
  std::vector<PluginStatus> all;
  for (const auto& slot : slots_) all.push_back(slot->status);
  return all;
}

}  // namespace midair::host
