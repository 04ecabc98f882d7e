/// @file
/// The swap on one page: every state, every event, what happens next. Nothing else decides the course of a swap.
///
///   idle > fetching > staged > prepared > suspended > migrated > probation > committed > idle
///
/// Each state has one action that is started on entering it and ends in step_done or step_failed. Up to `migrated` a
/// failure leads to `aborted`: the old code was never stopped and serves on; before `migrated` so does a newer release.
/// The action of `migrated` is the switch (a journal record and a symlink rename); from `probation` on, failure leads
/// to `rolling_back`. A way back that fails, in either, leaves nobody who serves: `lost`. What is committed is so on
/// disk, or that is tried again. At boot nothing serves yet that a switch could be made from: the new code is started
/// at once, `idle > probation`, and goes on as after a switch.
#pragma once

#include <array>
#include <optional>

namespace midair::sidecar {

enum class SwapState {
  idle,          ///< one release serves, nothing is in flight
  fetching,      ///< the release is downloaded, verified and unpacked
  staged,        ///< it lies sealed on disk; its code is being started or loaded beside the old
  prepared,      ///< the new code is ready; the old is being suspended
  suspended,     ///< the old holds still; its state is being handed over
  migrated,      ///< the new has the state; the switch is being made durable
  probation,     ///< the new code serves and is watched (DESIGN's `resumed`)
  committed,     ///< it passed; that is being made durable
  aborted,       ///< before the switch: what was begun is being undone
  rolling_back,  ///< after the switch: the last good release is being brought back
  rolled_back,   ///< the last good release serves; that is being made durable
  lost,          ///< nothing could be brought back: the sidecar exits, the platform starts a clean image
};

enum class SwapEvent {
  release_found,     ///< the pointer names a release to install
  booted,            ///< at boot the release was fetched, and its process started in place of the committed one
  step_done,         ///< the action of the current state succeeded
  step_failed,       ///< it failed, or its deadline passed
  candidate_exited,  ///< the process that runs the new code ended
  stop_requested,    ///< the machine is being stopped, or the app that serves ended by itself
  superseded,        ///< the pointer names a newer release, which must not wait for this one
};

enum class SwapAction {
  none,
  stage,        ///< fetch, verify, unpack, seal
  prepare,      ///< start or load the new code and wait until it is ready
  suspend,      ///< make the old hold still
  migrate,      ///< hand its state over
  switch_over,  ///< the point of no return: journal record, then symlink
  resume,       ///< let the new serve, let the old drain, watch
  commit,       ///< write the marker, forget the journal, collect garbage
  undo,         ///< stop the new code, let the old go on
  roll_back,    ///< stop the new code, start the last good release, else the base image
  restore,      ///< point the symlink back, quarantine the release, forget the journal
  give_up,      ///< exit, so that the platform starts a clean machine
};

struct SwapRow {
  SwapState from;
  SwapEvent on;
  SwapState to;
  SwapAction action;
};

inline constexpr auto kSwapTable = [] {
  using S = SwapState;
  using E = SwapEvent;
  using A = SwapAction;
  return std::to_array<SwapRow>({
      {S::idle, E::release_found, S::fetching, A::stage},
      {S::fetching, E::step_done, S::staged, A::prepare},
      {S::staged, E::step_done, S::prepared, A::suspend},
      {S::prepared, E::step_done, S::suspended, A::migrate},
      {S::suspended, E::step_done, S::migrated, A::switch_over},
      {S::migrated, E::step_done, S::probation, A::resume},
      {S::probation, E::step_done, S::committed, A::commit},
      {S::committed, E::step_done, S::idle, A::none},
      {S::idle, E::booted, S::probation, A::resume},

      {S::fetching, E::step_failed, S::aborted, A::undo},
      {S::staged, E::step_failed, S::aborted, A::undo},
      {S::prepared, E::step_failed, S::aborted, A::undo},
      {S::suspended, E::step_failed, S::aborted, A::undo},
      {S::migrated, E::step_failed, S::aborted, A::undo},
      {S::staged, E::candidate_exited, S::aborted, A::undo},
      {S::prepared, E::candidate_exited, S::aborted, A::undo},
      {S::suspended, E::candidate_exited, S::aborted, A::undo},
      {S::migrated, E::candidate_exited, S::aborted, A::undo},
      {S::fetching, E::stop_requested, S::aborted, A::undo},
      {S::staged, E::stop_requested, S::aborted, A::undo},
      {S::prepared, E::stop_requested, S::aborted, A::undo},
      {S::suspended, E::stop_requested, S::aborted, A::undo},
      {S::migrated, E::stop_requested, S::aborted, A::undo},
      {S::fetching, E::superseded, S::aborted, A::undo},
      {S::staged, E::superseded, S::aborted, A::undo},
      {S::prepared, E::superseded, S::aborted, A::undo},
      {S::suspended, E::superseded, S::aborted, A::undo},
      {S::aborted, E::step_done, S::idle, A::none},
      {S::aborted, E::step_failed, S::lost, A::give_up},

      {S::probation, E::step_failed, S::rolling_back, A::roll_back},
      {S::probation, E::candidate_exited, S::rolling_back, A::roll_back},
      {S::rolling_back, E::step_done, S::rolled_back, A::restore},
      {S::rolling_back, E::step_failed, S::lost, A::give_up},
      {S::rolled_back, E::step_done, S::idle, A::none},
      {S::rolled_back, E::step_failed, S::idle, A::none},
      {S::committed, E::step_failed, S::committed, A::commit},
  });
}();

/// The row for an event in a state; nothing where the event means nothing there (it is ignored).
[[nodiscard]] constexpr std::optional<SwapRow> swap_row(SwapState from, SwapEvent on) {
  for (const SwapRow& row : kSwapTable)
    if (row.from == from && row.on == on) return row;
  return std::nullopt;
}

namespace swap_table_check {

constexpr bool no_row_twice() {
  for (std::size_t i = 0; i < kSwapTable.size(); ++i)
    for (std::size_t j = i + 1; j < kSwapTable.size(); ++j)
      if (kSwapTable.at(i).from == kSwapTable.at(j).from && kSwapTable.at(i).on == kSwapTable.at(j).on) return false;
  return true;
}

/// Every state with an action must say what happens when it succeeds and when it fails.
constexpr bool every_action_may_fail() {
  for (const SwapRow& row : kSwapTable)
    if (row.action != SwapAction::none && row.action != SwapAction::give_up &&
        (!swap_row(row.to, SwapEvent::step_done) || !swap_row(row.to, SwapEvent::step_failed)))
      return false;
  return true;
}

/// The new process can die in any state in which it exists and isn't committed.
constexpr bool the_candidate_may_die() {
  for (const SwapState state :
       {SwapState::staged, SwapState::prepared, SwapState::suspended, SwapState::migrated, SwapState::probation})
    if (!swap_row(state, SwapEvent::candidate_exited)) return false;
  return true;
}

/// Before the switch every failure aborts; after it none does.
constexpr bool only_the_unswitched_abort() {
  for (const SwapRow& row : kSwapTable) {
    const bool switched = row.from == SwapState::probation || row.from == SwapState::rolling_back;
    if (switched && row.to == SwapState::aborted) return false;
    if (!switched && row.to == SwapState::rolling_back) return false;
  }
  return true;
}

/// Probation is entered by the switch, or at boot, when there is nothing to switch from; and nothing else happens then.
constexpr bool only_the_boot_skips_the_switch() {
  for (const SwapRow& row : kSwapTable) {
    const bool boots = row.from == SwapState::idle && row.on == SwapEvent::booted;
    if (boots != (row.on == SwapEvent::booted)) return false;
    if (row.to == SwapState::probation && row.from != SwapState::migrated && !boots) return false;
    if (boots && row.action != SwapAction::resume) return false;
  }
  return swap_row(SwapState::idle, SwapEvent::booted).has_value();
}

/// Until the switch begins a newer release ends the swap at once; from then on it waits.
constexpr bool a_newer_release_waits_for_the_switch_only() {
  for (const SwapState state : {SwapState::fetching, SwapState::staged, SwapState::prepared, SwapState::suspended}) {
    const auto row = swap_row(state, SwapEvent::superseded);
    if (!row || row->to != SwapState::aborted) return false;
  }
  for (const SwapState state : {SwapState::migrated, SwapState::probation, SwapState::committed,
                                SwapState::rolling_back, SwapState::rolled_back})
    if (swap_row(state, SwapEvent::superseded)) return false;
  return true;
}

static_assert(no_row_twice(), "two rows answer the same event in the same state");
static_assert(every_action_may_fail(), "a state forgot that its action can succeed or fail");
static_assert(the_candidate_may_die(), "a state forgot that the new process can die");
static_assert(only_the_boot_skips_the_switch(), "code serves that was neither switched to nor started at boot");
static_assert(a_newer_release_waits_for_the_switch_only(), "a newer release waits in vain, or breaks into the switch");
static_assert(only_the_unswitched_abort(), "a row crosses the point of no return the wrong way");

}  // namespace swap_table_check

/// True while a swap goes forward.
[[nodiscard]] constexpr bool may_still_succeed(SwapState state) {
  switch (state) {
    case SwapState::fetching:
    case SwapState::staged:
    case SwapState::prepared:
    case SwapState::suspended:
    case SwapState::migrated:
    case SwapState::probation:
    case SwapState::committed: return true;
    case SwapState::idle:
    case SwapState::aborted:
    case SwapState::rolling_back:
    case SwapState::rolled_back:
    case SwapState::lost: return false;
  }
  return false;
}

/// "idle", "fetching", ...: the words of logs, journal, results and status.
[[nodiscard]] constexpr const char* to_string(SwapState state) {
  switch (state) {
    case SwapState::idle: return "idle";
    case SwapState::fetching: return "fetching";
    case SwapState::staged: return "staged";
    case SwapState::prepared: return "prepared";
    case SwapState::suspended: return "suspended";
    case SwapState::migrated: return "migrated";
    case SwapState::probation: return "probation";
    case SwapState::committed: return "committed";
    case SwapState::aborted: return "aborted";
    case SwapState::rolling_back: return "rolling_back";
    case SwapState::rolled_back: return "rolled_back";
    case SwapState::lost: return "lost";
  }
  return "?";
}

}  // namespace midair::sidecar
