/// @file
/// The sidecar's state directory: where everything lies that survives it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "midair/error.h"
#include "midair/fd.h"

namespace midair::sidecar {

/// Owner of the state directory and of its lock: at most one per directory on a machine, for as long as it lives.
/// The paths are absolute. Thread-safe after open(); clean_leftovers() and collect_garbage() each say when to call.
///
///     lock              who owns the directory (flock; its text is the owner's pid)
///     marker.json       what is committed here                  (marker.h)
///     journal.json      the swap in flight                      (journal.h)
///     attempts.json     how often each upgrade was tried        (attempts.h)
///     incoming/         downloads, whole or cut                 (stager.h)
///     releases/<sha256> unpacked and sealed, never changed afterwards
///     writable/         what apps may write to                  (release/writable_links.h)
///     current           symbolic link to what is served
class StateDir {
 public:
  /// Opens `path`, created if missing, with mode 0711 in any case: its files are ours alone, but an app that runs as
  /// another user reaches its release. Errc::refused if another sidecar holds it, with a hint that names its pid. Where
  /// nothing can be written (read-only, full, not ours, no directory) it is opened for what lies there already, if
  /// anything: the sockets are put into a stand-in then, and an error is returned only if there is no place for that.
  [[nodiscard]] static Result<StateDir> open(const std::filesystem::path& path);

  /// Directories that may stand in for `root` where sockets can't be made in it, the first that can be had.
  [[nodiscard]] static std::vector<std::filesystem::path> stand_ins(const std::filesystem::path& root);

  /// Why nothing can be written there at the moment, hence nothing can be installed. Tries it, durably.
  [[nodiscard]] Result<void> check_writable() const;

  [[nodiscard]] const std::filesystem::path& root() const { return root_; }
  [[nodiscard]] std::filesystem::path marker() const { return root_ / "marker.json"; }
  [[nodiscard]] std::filesystem::path journal() const { return root_ / "journal.json"; }
  [[nodiscard]] std::filesystem::path attempts() const { return root_ / "attempts.json"; }
  [[nodiscard]] std::filesystem::path incoming() const { return root_ / "incoming"; }
  [[nodiscard]] std::filesystem::path releases() const { return root_ / "releases"; }
  /// Where the release whose tarball has this SHA-256 lies once it is sealed. Precondition: is_sha256_hex(digest).
  [[nodiscard]] std::filesystem::path release(std::string_view digest) const { return releases() / digest; }
  /// Directories that apps keep from release to release, by their names in those.
  [[nodiscard]] std::filesystem::path kept_places() const { return root_ / "writable/kept"; }
  /// Directories that each generation of that release finds empty.
  [[nodiscard]] std::filesystem::path fresh_places(std::string_view digest) const {
    return root_ / "writable/fresh" / digest;
  }
  [[nodiscard]] std::filesystem::path current() const { return root_ / "current"; }
  /// NOTIFY_SOCKET of one generation of the app.
  [[nodiscard]] std::filesystem::path notify_socket(std::uint64_t generation) const;
  /// MIDAIR_SOCKET of one generation of the app.
  [[nodiscard]] std::filesystem::path app_socket(std::uint64_t generation) const;
  [[nodiscard]] std::filesystem::path control_socket() const { return sockets_ / "control.sock"; }
  /// Which generations this sidecar started, so that the next one can end what outlived it.
  [[nodiscard]] std::filesystem::path sessions() const { return root_ / "sessions"; }

  /// Removes what a crash left: temporary files, half-extracted or half-removed releases, sockets of generations.
  /// Never a sealed release, nor a download that can be resumed. For the start, before anything is staged.
  [[nodiscard]] Result<void> clean_leftovers() const;

  /// Removes every sealed release but those in `keep_digests`, with its fresh places. A crash in between leaves no half
  /// release. Whoever calls it names also what is being staged at the moment.
  [[nodiscard]] Result<void> collect_garbage(const std::set<std::string>& keep_digests) const;

  /// Durably lets `current` point at `release_dir`.
  [[nodiscard]] Result<void> point_current_at(const std::filesystem::path& release_dir) const;

 private:
  StateDir(std::filesystem::path root, std::filesystem::path sockets, Fd lock, std::optional<Error> failure)
      : root_(std::move(root)), sockets_(std::move(sockets)), lock_(std::move(lock)), failure_(std::move(failure)) {}

  std::filesystem::path root_;
  std::filesystem::path sockets_;  ///< where they are: root_, or what stands in
  Fd lock_;                        ///< none only where nothing could be written
  std::optional<Error> failure_;   ///< why nothing could be written when it was opened
};

}  // namespace midair::sidecar
