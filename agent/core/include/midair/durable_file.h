/// @file
/// Files that survive a crash at any instruction.
///
/// Durable means: written to a temporary name beside the target, fsynced, renamed over it, and the directory
/// fsynced. A reader sees the old content or the new, never a mixture, also after a power cut.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "midair/error.h"
#include "midair/fd.h"

namespace midair {

/// From now on a limit on the size of files (ulimit -f) makes a write fail with EFBIG instead of ending the process.
/// What it runs is not affected.
void survive_file_size_limit() noexcept;

/// Opens with O_CLOEXEC added. `mode` counts only with O_CREAT.
[[nodiscard]] Result<Fd> open_file(const std::filesystem::path& path, int flags, mode_t mode = 0600);

/// Opens a regular file for reading, or one that a link leads to. Errc::bad_input for anything else, of which none is
/// waited for: a fifo that nobody writes to, a terminal, a directory. Errc::not_found if it isn't there.
[[nodiscard]] Result<Fd> open_regular_file(const std::filesystem::path& path);

/// The whole file, at most `max_bytes` (Errc::corrupt beyond that). Otherwise as open_regular_file().
[[nodiscard]] Result<std::string> read_file(const std::filesystem::path& path, std::uint64_t max_bytes);

/// What is left to read from `fd`, at most `max_bytes` (Errc::corrupt beyond that).
[[nodiscard]] Result<std::string> read_all(int fd, std::uint64_t max_bytes, const std::string& subject);

/// Writes all of `bytes` to `fd`, through short writes and EINTR.
[[nodiscard]] Result<void> write_all(int fd, std::string_view bytes, const std::string& subject);

/// Replaces `path` durably. The temporary name is `path` + ".tmp-<pid>-<n>"; it is removed on failure.
[[nodiscard]] Result<void> write_file_durably(const std::filesystem::path& path, std::string_view bytes,
                                              mode_t mode = 0600);

/// Replaces the symbolic link `link` durably so that it points at `target`.
[[nodiscard]] Result<void> replace_symlink_durably(const std::filesystem::path& link, const std::string& target);

/// Removes a file durably; it is not an error if it isn't there.
[[nodiscard]] Result<void> remove_file_durably(const std::filesystem::path& path);

/// fsyncs a file or directory by path.
[[nodiscard]] Result<void> sync_path(const std::filesystem::path& path);

/// Creates `path` and its missing parents, `path` itself durably and with mode 0700 (parents with the umask).
[[nodiscard]] Result<void> make_private_dir(const std::filesystem::path& path);

}  // namespace midair
