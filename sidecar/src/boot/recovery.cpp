#include "boot/recovery.h"

#include <optional>

#include "midair/log.h"
#include "midair/release/layout.h"
#include "midair/release/release_archive.h"
#include "state/journal.h"
#include "state/marker.h"
#include "swap/saved_state.h"
#include "swap/swap_table.h"

namespace midair::sidecar {

namespace {

/// The committed release, if it is of this base image and still sound on disk.
std::optional<ReleaseRef> committed_release(const StateDir& dir, const Identity& identity, const WritableLinks& links) {
  auto marker = read_marker(dir.marker());
  if (!marker) {
    log(LogLevel::error, "marker.unreadable", {{"error", marker.error().to_string()}});
    return std::nullopt;
  }
  if (!marker.value()) return std::nullopt;
  const Marker& committed = *marker.value();
  if (committed.base_image_ref != identity.base_image_ref) {
    log(LogLevel::notice, "boot.other_base_image",
        {{"was", committed.base_image_ref}, {"is", identity.base_image_ref}});
    return std::nullopt;
  }
  const auto directory = dir.release(committed.digest);
  const auto usable = [&]() -> Result<WritableRef> {
    MIDAIR_TRY_ASSIGN(const Manifest manifest, verify_extracted(directory, {}, links.places()));
    return links.make(directory, committed.digest, manifest);
  }();
  if (!usable) {
    log(LogLevel::error, "boot.release_unusable", {{"error", usable.error().to_string()}});
    return std::nullopt;
  }
  log_added_files(directory, usable->places);
  return ReleaseRef{committed.name(), directory, *usable};
}

void clean_up(const StateDir& dir) {
  if (auto cleaned = dir.clean_leftovers(); !cleaned)
    log(LogLevel::warning, "leftovers.not_cleaned", {{"error", cleaned.error().to_string()}});
  if (auto removed = remove_saved_states(dir); !removed)
    log(LogLevel::warning, "leftovers.not_cleaned", {{"error", removed.error().to_string()}});
}

void swap_was_interrupted(const JournalEntry& entry, Attempts& attempts) {
  log(LogLevel::warning, "swap.interrupted", {{"version", entry.version}, {"state", entry.state}});
  if (entry.state != to_string(SwapState::rolling_back)) return;
  // It had failed already: another try would hurt clients again and end the same.
  warn_unwritten(
      attempts.refuse(entry.upgrade_id, "it was being rolled back when the sidecar ended", Attempts::After::roll_back));
}

void close_journal(const StateDir& dir, Attempts& attempts) {
  auto journal = read_journal(dir.journal());
  if (!journal)
    log(LogLevel::warning, "journal.unreadable", {{"error", journal.error().to_string()}});
  else if (journal.value())
    swap_was_interrupted(*journal.value(), attempts);
  // The attempt was counted before it began; the marker says what to run. The record has served.
  if (!journal || journal.value())
    if (auto cleared = clear_journal(dir.journal()); !cleared)
      log(LogLevel::warning, "journal.not_cleared", {{"error", cleared.error().to_string()}});
}

/// What is committed ended soon after each of its last starts: the base image is what is left.
void abandon(const ReleaseRef& committed, const StateDir& dir, Attempts& attempts, Announcer& announcer) {
  const std::string why = "it ended soon after each of its last " + std::to_string(Attempts::kMaxBadStarts) + " starts";
  log(LogLevel::error, "release.abandoned", {{"release", committed.describe()}, {"why", why}});
  Target target;
  target.name() = committed.name();
  target.upgrade_id = upgrade_id_of(committed.hot_ref);
  // Refused first: the marker alone would let it be installed again.
  warn_unwritten(attempts.refuse(target.upgrade_id, why, Attempts::After::roll_back));
  if (auto removed = remove_marker(dir.marker()); !removed)
    log(LogLevel::warning, "marker.not_removed", {{"error", removed.error().to_string()}});
  UpgradeResult result = announcer.result_for(target, UpgradeStatus::rolled_back);
  result.error = why;
  announcer.result(target.upgrade_id, result);
}

}  // namespace

ReleaseRef recover(const StateDir& dir, const Identity& identity, const ReleaseRef& base_image,
                   const WritableLinks& links, Attempts& attempts, Announcer& announcer) {
  clean_up(dir);
  close_journal(dir, attempts);
  ReleaseRef committed = committed_release(dir, identity, links).value_or(base_image);
  if (committed.is_base_image() || attempts.count(upgrade_id_of(committed.hot_ref)) < Attempts::kMaxBadStarts)
    return committed;
  abandon(committed, dir, attempts, announcer);
  return base_image;
}

}  // namespace midair::sidecar
