/// Apps, volumes, secrets and the platform: everything but machines.
#include "json_body.h"
#include "machines_client.h"
#include "poll_pauses.h"

namespace midair::host::machines {

namespace {

App app_of(const JsonText& json) {
  return {json.at("id").string(),
          json.at("name").string(),
          json.at("organization").at("slug").string(),
          json.at("status").string(),
          json.at("machine_count").integer().value_or(0),
          json};
}

Volume volume_of(const JsonText& json) {
  return {json.at("id").string(),
          json.at("name").string(),
          json.at("state").string(),
          json.at("region").string(),
          json.at("size_gb").integer().value_or(0),
          json.at("attached_machine_id").string(),
          json.at("created_at").string(),
          json};
}

FlyRequest request_for(std::string op, std::string method, const std::string& app, std::vector<std::string> parts) {
  parts.insert(parts.begin(), {"apps", app});
  FlyRequest request{std::move(op), std::move(method), api_path(parts)};
  request.app = app;
  return request;
}

}  // namespace

Result<void> MachinesClient::finish(const FlyRequest& request, const CallLimits& limits) {
  const auto answer = fly_->send(request, CallTimer(limits));
  if (!answer.ok()) return answer.error();
  return {};
}

Result<std::vector<App>> MachinesClient::apps(const std::string& organization, const CallLimits& limits) {
  FlyRequest request{"list the apps", "GET", api_path({"apps"})};
  request.query.emplace_back("org_slug", organization);
  request.app = organization;
  MIDAIR_TRY_ASSIGN(const auto answer, fly_->send(request, CallTimer(limits)));
  std::vector<App> apps;
  for (const auto& element : answer.at("apps").elements()) apps.push_back(app_of(element));
  return apps;
}

Result<App> MachinesClient::app(const std::string& name, const CallLimits& limits) {
  MIDAIR_TRY_ASSIGN(const auto answer, read("look at the app", name, api_path({"apps", name}), limits));
  return app_of(answer);
}

Result<App> MachinesClient::create_app(const std::string& name, const std::string& organization,
                                       const CallLimits& limits) {
  const CallTimer timer(limits);
  FlyRequest request{"create the app", "POST", api_path({"apps"})};
  request.body = JsonBody().text("name", name).text("org_slug", organization).str();
  request.app = name;
  request.repeat = Repeat::no;
  bool in_doubt = false;
  const auto created = fly_->send(request, timer, &in_doubt);
  if (!created.ok() && !in_doubt) return created.error();
  PollPauses pauses(patience_.first_poll);
  for (;;) {
    auto found = app(name, limits);
    if (found.ok() || !timer.check("wait for the app", name).ok()) return found;
    if (found.error().code != Errc::not_found && !found.error().retryable()) return found;
    pauses.wait(timer);
  }
}

Result<void> MachinesClient::delete_app(const std::string& name, const CallLimits& limits) {
  return finish(request_for("delete the app", "DELETE", name, {}), limits);
}

Result<Secret> MachinesClient::deploy_token(const std::string& app, std::chrono::seconds expiry,
                                            const CallLimits& limits) {
  FlyRequest request = request_for("make a deploy token", "POST", app, {"deploy_token"});
  request.body = JsonBody().text("expiry", std::to_string(expiry.count()) + "s").str();
  request.repeat = Repeat::no;
  MIDAIR_TRY_ASSIGN(const auto answer, fly_->send(request, CallTimer(limits)));
  return Secret(answer.at("token").string());
}

Result<std::vector<Volume>> MachinesClient::volumes(const std::string& app, const CallLimits& limits) {
  MIDAIR_TRY_ASSIGN(const auto answer, read("list the volumes", app, api_path({"apps", app, "volumes"}), limits));
  std::vector<Volume> volumes;
  for (const auto& element : answer.elements()) volumes.push_back(volume_of(element));
  return volumes;
}

Result<Volume> MachinesClient::volume(const std::string& app, const std::string& id, const CallLimits& limits) {
  MIDAIR_TRY_ASSIGN(const auto answer, read("look at the volume", app, api_path({"apps", app, "volumes", id}), limits));
  return volume_of(answer);
}

Result<Volume> MachinesClient::create_volume(const std::string& app, const std::string& name, const std::string& region,
                                             std::int64_t size_gb, const CallLimits& limits) {
  FlyRequest request = request_for("create the volume", "POST", app, {"volumes"});
  request.body = JsonBody().text("name", name).text("region", region).number("size_gb", size_gb).str();
  request.repeat = Repeat::no;
  MIDAIR_TRY_ASSIGN(const auto answer, fly_->send(request, CallTimer(limits)));
  return volume_of(answer);
}

Result<Volume> MachinesClient::extend_volume(const std::string& app, const std::string& id, std::int64_t size_gb,
                                             const CallLimits& limits) {
  FlyRequest request = request_for("extend the volume", "PUT", app, {"volumes", id, "extend"});
  request.body = JsonBody().number("size_gb", size_gb).str();
  MIDAIR_TRY_ASSIGN(const auto answer, fly_->send(request, CallTimer(limits)));
  return volume_of(answer.at("volume"));
}

Result<void> MachinesClient::delete_volume(const std::string& app, const std::string& id, const CallLimits& limits) {
  return finish(request_for("delete the volume", "DELETE", app, {"volumes", id}), limits);
}

Result<JsonText> MachinesClient::snapshots(const std::string& app, const std::string& volume,
                                           const CallLimits& limits) {
  return read("list the snapshots", app, api_path({"apps", app, "volumes", volume, "snapshots"}), limits);
}

Result<void> MachinesClient::create_snapshot(const std::string& app, const std::string& volume,
                                             const CallLimits& limits) {
  FlyRequest request = request_for("make a snapshot", "POST", app, {"volumes", volume, "snapshots"});
  request.repeat = Repeat::no;
  return finish(request, limits);
}

Result<std::vector<AppSecret>> MachinesClient::secrets(const std::string& app, const CallLimits& limits) {
  MIDAIR_TRY_ASSIGN(const auto answer, read("list the secrets", app, api_path({"apps", app, "secrets"}), limits));
  std::vector<AppSecret> secrets;
  for (const auto& json : answer.at("secrets").elements())
    secrets.push_back({json.at("name").string(), json.at("digest").string(), json.at("created_at").string(), json});
  return secrets;
}

Result<void> MachinesClient::set_secret(const std::string& app, const std::string& name, const Secret& value,
                                        const CallLimits& limits) {
  FlyRequest request = request_for("set the secret", "POST", app, {"secrets", name});
  request.body = JsonBody().raw("value", json_string(value.reveal())).str();
  return finish(request, limits);
}

Result<void> MachinesClient::unset_secret(const std::string& app, const std::string& name, const CallLimits& limits) {
  return finish(request_for("unset the secret", "DELETE", app, {"secrets", name}), limits);
}

Result<JsonText> MachinesClient::current_token(const std::string& app, const CallLimits& limits) {
  return read("ask whom the token speaks for", app, api_path({"tokens", "current"}), limits);
}

Result<JsonText> MachinesClient::regions(const CallLimits& limits) {
  return read("list the regions", "platform", api_path({"platform", "regions"}), limits);
}

}  // namespace midair::host::machines
