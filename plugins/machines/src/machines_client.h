/// @file
/// MachinesApi over HTTP.
#pragma once

#include "fly_client.h"
#include "midair/host/machines_api.h"

namespace midair::host::machines {

/// How long the client puts up with what passes by itself. Tests shorten it.
struct Patience {
  std::chrono::milliseconds still_active = std::chrono::seconds(20);  ///< start after stop
  std::chrono::milliseconds empty_list = std::chrono::seconds(1);     ///< until an empty list is asked for again
  std::chrono::milliseconds lookup = std::chrono::seconds(15);        ///< for what may have been created to show up
  std::chrono::milliseconds one_wait = std::chrono::seconds(60);      ///< what the API is asked to wait; its own limit
  std::chrono::milliseconds first_poll = std::chrono::milliseconds(500);  ///< grows by half each time, up to 5 s
};

/// Talks to one API. Thread-safe.
class MachinesClient final : public MachinesApi {
 public:
  explicit MachinesClient(std::unique_ptr<FlyClient> fly, const Patience& patience = {})
      : fly_(std::move(fly)), patience_(patience) {}

  Result<std::vector<Machine>> list(const std::string& app, const MachineFilter& filter,
                                    const CallLimits& limits) override;
  Result<Machine> get(const MachineRef& machine, const CallLimits& limits) override;
  Result<Machine> create(const std::string& app, const MachineSpec& spec, const CallLimits& limits) override;
  Result<Machine> update(const MachineRef& machine, const MachineSpec& spec, const CallLimits& limits) override;
  Result<void> destroy(const MachineRef& machine, bool force, const CallLimits& limits) override;

  Result<void> start(const MachineRef& machine, const CallLimits& limits) override;
  Result<void> stop(const MachineRef& machine, const std::string& signal, std::chrono::milliseconds timeout,
                    const CallLimits& limits) override;
  Result<void> restart(const MachineRef& machine, const std::string& signal, std::chrono::milliseconds timeout,
                       const CallLimits& limits) override;
  Result<void> signal(const MachineRef& machine, const std::string& signal, const CallLimits& limits) override;
  Result<void> suspend(const MachineRef& machine, const CallLimits& limits) override;
  Result<void> cordon(const MachineRef& machine, const CallLimits& limits) override;
  Result<void> uncordon(const MachineRef& machine, const CallLimits& limits) override;
  Result<std::string> wait(const MachineRef& machine, const MachineWait& wait, const CallLimits& limits) override;

  Result<Lease> take_lease(const MachineRef& machine, std::chrono::seconds ttl, const std::string& description,
                           std::chrono::milliseconds patience, const CallLimits& limits) override;
  Result<void> release_lease(const MachineRef& machine, const CallLimits& limits) override;
  Result<Lease> lease(const MachineRef& machine, const CallLimits& limits) override;

  Result<Metadata> metadata(const MachineRef& machine, const CallLimits& limits) override;
  Result<void> set_metadata(const MachineRef& machine, const std::string& key, const std::string& value,
                            const CallLimits& limits) override;
  Result<void> delete_metadata(const MachineRef& machine, const std::string& key, const CallLimits& limits) override;

  Result<ExecOutcome> exec(const MachineRef& machine, const std::vector<std::string>& command,
                           const std::string& standard_input, const CallLimits& limits) override;
  Result<JsonText> processes(const MachineRef& machine, const CallLimits& limits) override;
  Result<JsonText> events(const MachineRef& machine, const CallLimits& limits) override;
  Result<JsonText> versions(const MachineRef& machine, const CallLimits& limits) override;

  Result<std::vector<App>> apps(const std::string& organization, const CallLimits& limits) override;
  Result<App> app(const std::string& name, const CallLimits& limits) override;
  Result<App> create_app(const std::string& name, const std::string& organization, const CallLimits& limits) override;
  Result<void> delete_app(const std::string& name, const CallLimits& limits) override;
  Result<Secret> deploy_token(const std::string& app, std::chrono::seconds expiry, const CallLimits& limits) override;

  Result<std::vector<Volume>> volumes(const std::string& app, const CallLimits& limits) override;
  Result<Volume> volume(const std::string& app, const std::string& id, const CallLimits& limits) override;
  Result<Volume> create_volume(const std::string& app, const std::string& name, const std::string& region,
                               std::int64_t size_gb, const CallLimits& limits) override;
  Result<Volume> extend_volume(const std::string& app, const std::string& id, std::int64_t size_gb,
                               const CallLimits& limits) override;
  Result<void> delete_volume(const std::string& app, const std::string& id, const CallLimits& limits) override;
  Result<JsonText> snapshots(const std::string& app, const std::string& volume, const CallLimits& limits) override;
  Result<void> create_snapshot(const std::string& app, const std::string& volume, const CallLimits& limits) override;

  Result<std::vector<AppSecret>> secrets(const std::string& app, const CallLimits& limits) override;
  Result<void> set_secret(const std::string& app, const std::string& name, const Secret& value,
                          const CallLimits& limits) override;
  Result<void> unset_secret(const std::string& app, const std::string& name, const CallLimits& limits) override;

  Result<JsonText> current_token(const std::string& app, const CallLimits& limits) override;
  Result<JsonText> regions(const CallLimits& limits) override;

 private:
  Result<std::vector<Machine>> list_once(const std::string& app, const MachineFilter& filter, const CallTimer& timer);
  /// The machine that carries the tag of a create() whose outcome is unknown.
  Result<Machine> find_created(const std::string& app, const std::string& tag, const Error& doubt,
                               const CallTimer& timer);
  Result<std::string> wait_at_api(const MachineRef& machine, const MachineWait& wait, const CallTimer& timer);
  /// Asks for something without a useful answer: POST m/<verb>.
  Result<void> command(const std::string& op, const MachineRef& machine, const std::string& verb,
                       const CallLimits& limits, const std::string& body = {});
  Result<void> finish(const FlyRequest& request, const CallLimits& limits);
  Result<JsonText> read(const std::string& op, const std::string& app, const std::string& path,
                        const CallLimits& limits);

  const std::unique_ptr<FlyClient> fly_;
  const Patience patience_;
};

}  // namespace midair::host::machines
