// What of the Machines API is about apps, in memory.
#include "midair/host/memory_machines.h"

#include "no_such.h"

namespace midair::host {

Result<std::vector<App>> MemoryApps::apps(const std::string& organization, const CallLimits& /*limits*/) {
  const std::scoped_lock lock(mutex_);
  std::vector<App> found;
  for (const auto& [name, app] : apps_)
    if (app.organization == organization) found.push_back(app);
  return found;
}

Result<App> MemoryApps::app(const std::string& name, const CallLimits& /*limits*/) {
  const std::scoped_lock lock(mutex_);
  const auto found = apps_.find(name);
  if (found == apps_.end()) return no_such("the app", name);
  return found->second;
}

Result<App> MemoryApps::create_app(const std::string& name, const std::string& organization,
                                   const CallLimits& /*limits*/) {
  const std::scoped_lock lock(mutex_);
  App app;
  app.id = app.name = name;
  app.organization = organization;
  app.status = "deployed";
  if (!apps_.try_emplace(name, app).second) {
    Error taken{Errc::bad_input, "create the app", name, "the name is taken"};
    taken.http_status = 422;
    return taken;
  }
  return app;
}

Result<void> MemoryApps::delete_app(const std::string& name, const CallLimits& /*limits*/) {
  const std::scoped_lock lock(mutex_);
  apps_.erase(name);
  return {};
}

Result<Secret> MemoryApps::deploy_token(const std::string& app, std::chrono::seconds /*expiry*/,
                                        const CallLimits& limits) {
  MIDAIR_TRY(this->app(app, limits));
  return Secret("deploys " + app);
}

Result<std::vector<Volume>> MemoryVolumes::volumes(const std::string& app, const CallLimits& /*limits*/) {
  const std::scoped_lock lock(mutex_);
  std::vector<Volume> found;
  for (const auto& [key, volume] : volumes_)
    if (key.first == app) found.push_back(volume);
  return found;
}

Result<Volume> MemoryVolumes::volume(const std::string& app, const std::string& id, const CallLimits& /*limits*/) {
  const std::scoped_lock lock(mutex_);
  const auto found = volumes_.find({app, id});
  if (found == volumes_.end()) return no_such("the volume", id);
  return found->second;
}

Result<Volume> MemoryVolumes::create_volume(const std::string& app, const std::string& name, const std::string& region,
                                            std::int64_t size_gb, const CallLimits& /*limits*/) {
  const std::scoped_lock lock(mutex_);
  Volume volume;
  volume.id = "vol_" + std::to_string(volumes_.size() + 1);
  volume.name = name;
  volume.state = "created";
  volume.region = region;
  volume.size_gb = size_gb;
  return volumes_[{app, volume.id}] = volume;
}

Result<Volume> MemoryVolumes::extend_volume(const std::string& app, const std::string& id, std::int64_t size_gb,
                                            const CallLimits& /*limits*/) {
  const std::scoped_lock lock(mutex_);
  const auto found = volumes_.find({app, id});
  if (found == volumes_.end()) return no_such("the volume", id);
  found->second.size_gb = size_gb;
  return found->second;
}

Result<void> MemoryVolumes::delete_volume(const std::string& app, const std::string& id, const CallLimits& /*limits*/) {
  const std::scoped_lock lock(mutex_);
  if (const auto found = volumes_.find({app, id}); found != volumes_.end()) found->second.state = "destroyed";
  return {};
}

Result<JsonText> MemoryVolumes::snapshots(const std::string& app, const std::string& volume, const CallLimits& limits) {
  MIDAIR_TRY(this->volume(app, volume, limits));
  return JsonText::parse("[]", "snapshots", 2);
}

Result<void> MemoryVolumes::create_snapshot(const std::string& app, const std::string& volume,
                                            const CallLimits& limits) {
  MIDAIR_TRY(this->volume(app, volume, limits));
  return {};
}

Result<std::vector<AppSecret>> MemorySecrets::secrets(const std::string& app, const CallLimits& /*limits*/) {
  const std::scoped_lock lock(mutex_);
  std::vector<AppSecret> found;
  for (const auto& [owner, name] : names_)
    if (owner == app) found.push_back({name, {}, {}, {}});
  return found;
}

Result<void> MemorySecrets::set_secret(const std::string& app, const std::string& name, const Secret& /*value*/,
                                       const CallLimits& /*limits*/) {
  const std::scoped_lock lock(mutex_);
  names_.insert({app, name});
  return {};
}

Result<void> MemorySecrets::unset_secret(const std::string& app, const std::string& name,
                                         const CallLimits& /*limits*/) {
  const std::scoped_lock lock(mutex_);
  names_.erase({app, name});
  return {};
}

Result<JsonText> MemoryPlatform::current_token(const std::string& /*app*/, const CallLimits& /*limits*/) {
  return JsonText::parse(R"({"tokens":[]})", "the token", 64);
}

Result<JsonText> MemoryPlatform::regions(const CallLimits& /*limits*/) {
  return JsonText::parse(R"([{"code":"fra","name":"Frankfurt"}])", "the regions", 64);
}

}  // namespace midair::host
