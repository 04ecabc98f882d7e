/// @file
/// `journal.json`: the swap in flight. One record, replaced durably at each state that the swap enters; found at boot
/// it means that the swap died with its sidecar.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "midair/error.h"
#include "midair/release/release_name.h"

namespace midair::sidecar {

/// Which release the swap was to bring, and how far it came.
struct JournalEntry : ReleaseName {
  std::string upgrade_id;
  std::string state;       ///< the state of the swap that was entered last
  std::string started_at;  ///< RFC 3339
  bool switched = false;   ///< past the point of no return: going back is a rollback, no longer an abort
};

/// Nothing if no swap was in flight. Errc::corrupt if the record is torn or can't be understood, Errc::refused if a
/// newer sidecar wrote it.
[[nodiscard]] Result<std::optional<JournalEntry>> read_journal(const std::filesystem::path& path);

/// Replaces the record durably.
[[nodiscard]] Result<void> write_journal(const std::filesystem::path& path, const JournalEntry& entry);

/// Removes the record durably: the swap has come to its end.
[[nodiscard]] Result<void> clear_journal(const std::filesystem::path& path);

}  // namespace midair::sidecar
