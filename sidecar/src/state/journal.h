/// @file
/// `journal.json`: the swap in flight. One record, replaced durably at each state that the swap enters; found at boot
/// it means that the swap died with its sidecar.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "midair/error.h"

namespace midair::sidecar {

struct JournalEntry {
  std::string upgrade_id;
  std::string version;
  std::string digest;  ///< SHA-256 of the release's tarball
  std::string hot_ref;
  std::string base_image_ref;
  std::string state;       ///< the state of the swap that was entered last
  std::string started_at;  ///< RFC 3339
  std::uint64_t sequence = 0;
  bool switched = false;  ///< past the point of no return: going back is a rollback, no longer an abort
};

/// Nothing if no swap was in flight. Errc::corrupt if the record is torn or can't be understood, Errc::refused if a
/// newer sidecar wrote it.
[[nodiscard]] Result<std::optional<JournalEntry>> read_journal(const std::filesystem::path& path);

/// Replaces the record durably.
[[nodiscard]] Result<void> write_journal(const std::filesystem::path& path, const JournalEntry& entry);

/// Removes the record durably: the swap has come to its end.
[[nodiscard]] Result<void> clear_journal(const std::filesystem::path& path);

}  // namespace midair::sidecar
