/// @file
/// The file in which the state of a process passes to its successor.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <string>

#include "midair/error.h"
#include "midair/fd.h"
#include "release/release_ref.h"
#include "state/state_dir.h"

namespace midair::sidecar {

/// Owner of one state file; it goes with the object. It lies on /dev/shm if that is a tmpfs where we can write and that
/// has as much room as `room`, else in the state directory.
///
/// The app has the path, so what lies there is believed only as far as it is the same file, of the same size and time,
/// as when it was sealed.
class SavedState {
 public:
  /// An empty file of mode 0600 that belongs to that user. `room` in bytes.
  [[nodiscard]] static Result<SavedState> create(const StateDir& dir, uid_t owner, std::uint64_t room);
  SavedState(SavedState&&) noexcept = default;
  SavedState& operator=(SavedState&& other) noexcept;
  ~SavedState();

  /// The app has written its state: its layout and size are as it says, and it came from this release. The file is
  /// read-only from now on. Errc::corrupt if it is not what was said.
  [[nodiscard]] Result<void> seal(std::string schema, std::uint64_t bytes, ReleaseRef from);
  /// Lets that user read it. Errc::corrupt if it is not as it was when it was sealed.
  [[nodiscard]] Result<void> give_to(uid_t reader);

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  [[nodiscard]] const std::string& schema() const { return schema_; }
  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }
  /// The release that exported it.
  [[nodiscard]] const ReleaseRef& from() const { return from_; }

 private:
  SavedState(Fd file, std::filesystem::path path) : file_(std::move(file)), path_(std::move(path)) {}
  [[nodiscard]] Result<void> check_same_file() const;

  Fd file_;
  std::filesystem::path path_;
  std::string schema_;
  std::uint64_t bytes_ = 0;
  timespec sealed_at_{};
  ReleaseRef from_;
};

/// Removes the state files that a killed sidecar with this state directory left. For the start.
[[nodiscard]] Result<void> remove_saved_states(const StateDir& dir);

}  // namespace midair::sidecar
