/// @file
/// The Fly Machines API, typed. The plugin `machines` offers it: see MachinesApiProvider.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "midair/call_limits.h"
#include "midair/error.h"
#include "midair/host/machine.h"
#include "midair/secret.h"

namespace midair::host {

/// Which machine is meant.
struct MachineRef {
  std::string app;
  std::string id;
  std::string nonce{};  ///< of a lease on it, if the caller holds one
};

/// Which machines of an app are wanted. Conditions add up.
struct MachineFilter {
  std::vector<std::string> states{};  ///< any of these
  std::string region{};
  Metadata metadata{};
  bool summary = false;  ///< without config, checks and events: less to send
  bool include_deleted = false;
};

/// A machine to be made, or what it shall become.
struct MachineSpec {
  JsonText config;  ///< whole: the API replaces, it never merges
  std::string name{};
  std::string region{};
  bool skip_launch = false;  ///< make it, but don't start it
  /// Update only: the instance_id that the caller has seen. The API refuses if the machine has another by now.
  std::string current_version{};
};

/// What to wait for.
struct MachineWait {
  std::vector<std::string> states{"started"};                   ///< any of these; "settled" is any that lasts
  std::chrono::milliseconds timeout = std::chrono::minutes(5);  ///< any length; it is the caller's, not the API's
  std::string version{};                                        ///< an instance_id; empty: whichever it has
};

/// Fly's Machines API, in parts by what callers need, for one set of credentials.
///
/// Of every part: an operation ends by the deadline of its limits, keeps to Fly's rate limits, retries with jitter what
/// is safe to repeat, and obeys Retry-After. A 401 makes the token be fetched anew, once.
///
/// Errors carry the HTTP status and Fly's request id; subjects are "GET https://host/v1/...". Codes: denied (401, 403),
/// not_found (404), precondition (409, 412: a lease held by somebody, named with its end; a version that has changed; a
/// state that forbids it), no_space (no capacity for it, whatever the status), throttled (429), timeout, unavailable,
/// bad_input (other refusals), corrupt (an answer that makes no sense). Thread-safe. memory_machines.h has doubles.
///
/// @{

/// Which machines there are, and how they are: what somebody who follows a fleet needs.
class MachinesRead {
 public:
  virtual ~MachinesRead() = default;

  /// In no particular order. An empty list was asked for twice: the API has been seen to lie.
  virtual Result<std::vector<Machine>> list(const std::string& app, const MachineFilter& filter,
                                            const CallLimits& limits) = 0;
  virtual Result<Machine> get(const MachineRef& machine, const CallLimits& limits) = 0;
  /// The machine's state once it is one of those wanted. Errc::timeout, with the state it is in, after `wait.timeout`.
  /// A machine that is gone counts as "destroyed". Where the API's own waiting fails, the machine is polled.
  virtual Result<std::string> wait(const MachineRef& machine, const MachineWait& wait, const CallLimits& limits) = 0;
  /// The API's array, newest first: {id, type, status, source, timestamp}.
  virtual Result<JsonText> events(const MachineRef& machine, const CallLimits& limits) = 0;
};

/// What else can be asked of a machine.
class MachineDetails {
 public:
  virtual ~MachineDetails() = default;

  virtual Result<Metadata> metadata(const MachineRef& machine, const CallLimits& limits) = 0;
  /// The API's array: {pid, command, cpu, rss, ...}.
  virtual Result<JsonText> processes(const MachineRef& machine, const CallLimits& limits) = 0;
  /// The API's array: {version, user_config}.
  virtual Result<JsonText> versions(const MachineRef& machine, const CallLimits& limits) = 0;
};

/// What is done to a machine that stays what it is.
class MachinesControl {
 public:
  virtual ~MachinesControl() = default;

  /// Right after a stop the API refuses for some seconds ("machine still active"); that is waited out.
  virtual Result<void> start(const MachineRef& machine, const CallLimits& limits) = 0;
  /// `signal` ("SIGTERM"; empty: the machine's own) comes first, SIGKILL after `timeout` (0: the machine's own).
  virtual Result<void> stop(const MachineRef& machine, const std::string& signal, std::chrono::milliseconds timeout,
                            const CallLimits& limits) = 0;
  virtual Result<void> restart(const MachineRef& machine, const std::string& signal, std::chrono::milliseconds timeout,
                               const CallLimits& limits) = 0;
  virtual Result<void> signal(const MachineRef& machine, const std::string& signal, const CallLimits& limits) = 0;
  virtual Result<void> suspend(const MachineRef& machine, const CallLimits& limits) = 0;
  virtual Result<void> cordon(const MachineRef& machine, const CallLimits& limits) = 0;
  virtual Result<void> uncordon(const MachineRef& machine, const CallLimits& limits) = 0;
  /// Runs a program in the machine; `limits.deadline` is also the program's.
  virtual Result<ExecOutcome> exec(const MachineRef& machine, const std::vector<std::string>& command,
                                   const std::string& standard_input, const CallLimits& limits) = 0;
};

/// Making and changing machines.
class MachinesEdit {
 public:
  virtual ~MachinesEdit() = default;

  /// Makes one machine, never two: where the outcome is unknown (408, a lost answer), it is looked for by a tag in its
  /// metadata, `midair_create_id`. Errc::precondition, naming the tag, if it can't be found out: look before you try
  /// again.
  virtual Result<Machine> create(const std::string& app, const MachineSpec& spec, const CallLimits& limits) = 0;
  /// Replaces the configuration, and restarts the machine unless skip_launch.
  virtual Result<Machine> update(const MachineRef& machine, const MachineSpec& spec, const CallLimits& limits) = 0;
  /// `force` also destroys one that runs. Success if it is gone already.
  virtual Result<void> destroy(const MachineRef& machine, bool force, const CallLimits& limits) = 0;
  virtual Result<void> set_metadata(const MachineRef& machine, const std::string& key, const std::string& value,
                                    const CallLimits& limits) = 0;
  virtual Result<void> delete_metadata(const MachineRef& machine, const std::string& key, const CallLimits& limits) = 0;
};

/// Keeping others from a machine for a while.
class MachineLeases {
 public:
  virtual ~MachineLeases() = default;

  /// Takes the lease, or, with the nonce in `machine`, renews it, for `ttl` (whole seconds). If somebody else holds it,
  /// Errc::precondition names who and until when, after it was waited for for `patience`.
  virtual Result<Lease> take_lease(const MachineRef& machine, std::chrono::seconds ttl, const std::string& description,
                                   std::chrono::milliseconds patience, const CallLimits& limits) = 0;
  /// Needs the nonce.
  virtual Result<void> release_lease(const MachineRef& machine, const CallLimits& limits) = 0;
  /// Errc::not_found if nobody holds it.
  virtual Result<Lease> lease(const MachineRef& machine, const CallLimits& limits) = 0;
};

/// Apps, and who may deploy them.
class AppsApi {
 public:
  virtual ~AppsApi() = default;

  virtual Result<std::vector<App>> apps(const std::string& organization, const CallLimits& limits) = 0;
  virtual Result<App> app(const std::string& name, const CallLimits& limits) = 0;
  /// Returns once the app can be asked for.
  virtual Result<App> create_app(const std::string& name, const std::string& organization,
                                 const CallLimits& limits) = 0;
  virtual Result<void> delete_app(const std::string& name, const CallLimits& limits) = 0;
  /// A token that may deploy `app`, for `expiry`.
  virtual Result<Secret> deploy_token(const std::string& app, std::chrono::seconds expiry,
                                      const CallLimits& limits) = 0;
};

/// Volumes and their snapshots.
class VolumesApi {
 public:
  virtual ~VolumesApi() = default;

  virtual Result<std::vector<Volume>> volumes(const std::string& app, const CallLimits& limits) = 0;
  virtual Result<Volume> volume(const std::string& app, const std::string& id, const CallLimits& limits) = 0;
  virtual Result<Volume> create_volume(const std::string& app, const std::string& name, const std::string& region,
                                       std::int64_t size_gb, const CallLimits& limits) = 0;
  virtual Result<Volume> extend_volume(const std::string& app, const std::string& id, std::int64_t size_gb,
                                       const CallLimits& limits) = 0;
  virtual Result<void> delete_volume(const std::string& app, const std::string& id, const CallLimits& limits) = 0;
  /// The API's array of snapshots.
  virtual Result<JsonText> snapshots(const std::string& app, const std::string& volume, const CallLimits& limits) = 0;
  virtual Result<void> create_snapshot(const std::string& app, const std::string& volume, const CallLimits& limits) = 0;
};

/// An app's secrets.
class SecretsApi {
 public:
  virtual ~SecretsApi() = default;

  virtual Result<std::vector<AppSecret>> secrets(const std::string& app, const CallLimits& limits) = 0;
  virtual Result<void> set_secret(const std::string& app, const std::string& name, const Secret& value,
                                  const CallLimits& limits) = 0;
  virtual Result<void> unset_secret(const std::string& app, const std::string& name, const CallLimits& limits) = 0;
};

/// What is about no app.
class PlatformApi {
 public:
  virtual ~PlatformApi() = default;

  /// Whom the token speaks for, as the API says it.
  virtual Result<JsonText> current_token(const std::string& app, const CallLimits& limits) = 0;
  /// Fly's regions, as the API says it.
  virtual Result<JsonText> regions(const CallLimits& limits) = 0;
};

/// @}

/// All of it.
class MachinesApi : public MachinesRead,
                    public MachineDetails,
                    public MachinesControl,
                    public MachinesEdit,
                    public MachineLeases,
                    public AppsApi,
                    public VolumesApi,
                    public SecretsApi,
                    public PlatformApi {};

/// How a plugin gets at the API that the operator configured. Service "machines-api". Thread-safe.
class MachinesApiProvider {
 public:
  virtual ~MachinesApiProvider() = default;
  /// Opened at the first call, shared by all callers afterwards; talks to nobody yet. Errc::bad_input for a setting
  /// that is unusable.
  virtual Result<std::shared_ptr<MachinesApi>> api() = 0;
};

}  // namespace midair::host
