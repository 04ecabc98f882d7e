/// @file
/// What a machine tells the fleet: its record (what runs there) and its result (how an upgrade went).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "midair/error.h"
#include "midair/release/release_name.h"

namespace midair {

/// Records and results are never longer than this.
inline constexpr std::uint64_t kMaxMachineStateBytes = 64 * 1024;

/// What a machine is doing, by its own word. The wire has the same names.
enum class MachineState {
  unknown,   ///< not told, or a word of a newer sidecar
  serving,   ///< runs its code for users
  swapping,  ///< brings up other code, or its first
  stopped,   ///< was stopped in good order
};
/// "serving", "swapping", "stopped"; empty for MachineState::unknown.
[[nodiscard]] const char* to_string(MachineState state) noexcept;

/// An old process that gets no new connections and finishes what it had begun.
struct DrainingProcess {
  std::string version;          ///< of its release; empty: the base image
  std::string since;            ///< RFC 3339
  std::string deadline;         ///< RFC 3339: then it is killed
  std::uint64_t busy = 0;       ///< connections on which something is under way
  std::uint64_t idle = 0;       ///< kept-alive ones
  std::uint64_t streaming = 0;  ///< those on which the server speaks unasked
};

/// `releases/<app>-machines/<machine_id>.json`, written by a sidecar at boot, after each swap and each drain, once a
/// minute while one lasts, and at its end. Its name is that of the release that runs; on the base image all of it but
/// base_image_ref is empty.
struct MachineRecord : ReleaseName {
  std::string machine_id;
  std::string region;
  std::string process_group;  ///< FLY_PROCESS_GROUP; may be empty
  std::string fingerprint;    ///< see fingerprint_of()
  MachineState state = MachineState::unknown;
  std::string sidecar_version;
  std::string booted_at;                    ///< RFC 3339
  std::string updated_at;                   ///< RFC 3339
  std::string problem{};                    ///< why nothing can be installed there, one line; empty: it can
  std::vector<DrainingProcess> draining{};  ///< the oldest first
  std::vector<std::string> features{};      ///< of kFeatures: what a release may require of it

  static Result<MachineRecord> parse(std::string_view text, const std::string& subject);
  [[nodiscard]] std::string to_json() const;
};

enum class UpgradeStatus { pending, completed, failed, rolled_back };
/// "pending", "completed", "failed", "rolled_back".
[[nodiscard]] const char* to_string(UpgradeStatus status) noexcept;

/// `releases/<app>-results/<upgrade_id>/<machine_id>.json`. FlyDeploy's fields, and Midair's own after the line.
struct UpgradeResult {
  std::string machine_id;
  std::string region;
  UpgradeStatus status = UpgradeStatus::pending;
  std::string started_at;  ///< RFC 3339
  std::string applied_at;  ///< RFC 3339; empty while pending
  std::string error;  ///< one line, cut where it is written and read; pending: what failed last; empty if completed
  std::uint64_t modules_reloaded = 0;
  std::vector<std::string> module_names;
  std::uint64_t processes_succeeded = 0;
  std::uint64_t processes_failed = 0;
  std::vector<std::string> process_names;
  std::optional<double> suspend_duration_ms;  ///< from the first thing suspended to the last resumed
  std::optional<double> total_duration_ms;    ///< from the pointer seen to committed or given up
  // ---
  std::string step;     ///< pending: the state it is in, or failed in last; failed: the state in which it failed
  std::string version;  ///< of the release
  std::uint64_t sequence = 0;
  std::string observed_digest;  ///< SHA-256 of the release that the new code itself was seen to run
  std::string retry_at;         ///< RFC 3339; pending: the machine tries again by itself then; else empty
  // Of one that failed, or will be tried again: what is known of the process that ran the new code.
  std::vector<std::string> output{};  ///< the last lines that it wrote, kMaxOutputLines and kMaxOutputBytes at most
  std::optional<int> exit_status{};   ///< where it ended by itself, by exit()
  std::string signal{};               ///< where it was killed, and not by us: "SEGV"; else empty

  static constexpr std::size_t kMaxOutputLines = 40;
  static constexpr std::size_t kMaxOutputBytes = 16UL * 1024;

  /// True unless pending.
  [[nodiscard]] bool final() const noexcept { return status != UpgradeStatus::pending; }
  /// True where it failed, and the machine tries again by itself at `retry_at`.
  [[nodiscard]] bool waits_for_retry() const noexcept { return !final() && !retry_at.empty(); }
  static Result<UpgradeResult> parse(std::string_view text, const std::string& subject);
  [[nodiscard]] std::string to_json() const;
};

/// The first 12 hex digits of SHA-256(base_image_ref + "\n" + hot_ref): equal iff two machines run the same code.
[[nodiscard]] std::string fingerprint_of(std::string_view base_image_ref, std::string_view hot_ref);

}  // namespace midair
