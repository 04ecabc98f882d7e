/// @file
/// `attempts.json`: how often each upgrade was tried on this machine, and which ones it gave up.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "midair/error.h"

namespace midair::sidecar {

/// Counts tries by upgrade id, durably *before* each of them, so that a try that kills the sidecar was counted too.
/// Once an upgrade is committed the count begins anew, and tells how many of its starts ended soon. Not thread-safe.
class Attempts {
 public:
  /// An upgrade that failed this often is refused here until the pointer names another.
  static constexpr unsigned kMaxAttempts = 2;
  /// A committed release that ended this often soon after its start, never well in between, is given up.
  static constexpr unsigned kMaxBadStarts = 3;
  /// No more upgrades than this are remembered; the oldest go.
  static constexpr std::size_t kMaxRemembered = 32;

  /// What an upgrade is quarantined after.
  enum class After { failure, roll_back };

  /// Starts empty if the file is missing or, with a line in the log, if it can't be understood: a machine that lost its
  /// memory may try again, it must not stay behind for ever.
  [[nodiscard]] static Attempts load(const std::filesystem::path& path);

  /// How many tries of this upgrade have begun.
  [[nodiscard]] unsigned count(const std::string& upgrade_id) const;

  /// Counts one more try. On an error nothing was counted, and the try must not be made.
  Result<void> begin(const std::string& upgrade_id);

  /// Takes the last begun try back: it ended in good order, for a reason that says nothing about the release.
  Result<void> forgive(const std::string& upgrade_id);
  /// The same, but written only with the next change: nobody waits for it.
  void forgive_later(const std::string& upgrade_id);
  /// Quarantines an upgrade. On an error it is quarantined only until this process ends.
  Result<void> refuse(const std::string& upgrade_id, const std::string& why, After after = After::failure);

  /// Why the upgrade is quarantined, if it is.
  [[nodiscard]] std::optional<std::string> refused(const std::string& upgrade_id) const;

  /// True if it is quarantined because it had to be rolled back.
  [[nodiscard]] bool was_rolled_back(const std::string& upgrade_id) const;

  /// Forgets one upgrade: it has proved good.
  Result<void> forget(const std::string& upgrade_id);
  /// Forgets all but one, once another is committed: the pointer has left the rest behind. Empty: all.
  Result<void> forget_all_but(const std::string& upgrade_id);

 private:
  struct Entry {
    std::string upgrade_id;
    unsigned count = 0;
    std::optional<std::string> refused;
    bool rolled_back = false;
  };
  using Entries = std::vector<Entry>;  // the oldest first

  explicit Attempts(std::filesystem::path path) : path_(std::move(path)) {}

  [[nodiscard]] static Result<Entries> read(const std::filesystem::path& path);
  [[nodiscard]] static Entry& entry_of(Entries& entries, const std::string& upgrade_id);
  [[nodiscard]] const Entry* find(const std::string& upgrade_id) const;
  [[nodiscard]] Result<void> save(const Entries& entries) const;

  std::filesystem::path path_;
  Entries entries_;
};

/// Says in the log that a change of the attempts could not be written. For changes that nothing waits for.
void warn_unwritten(const Result<void>& written);

}  // namespace midair::sidecar
