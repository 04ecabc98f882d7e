/// @file
/// Packing a directory into a release tarball, and taking one apart again. Both stream: memory does not grow with size.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "midair/error.h"
#include "midair/release/manifest.h"

namespace midair {

/// In it, and in each directory below, stand patterns of what is left out; their syntax is gitignore's.
inline constexpr std::string_view kIgnoreFileName = ".midairignore";

/// The modification time of every file of an unpacked release (1985-10-26T08:15:00Z, which npm uses for the same
/// reason: zip files, and what writes them, know no time before 1980). Each checkout has other times, so they are no
/// part of a release, unless they are asked for.
inline constexpr std::uint64_t kReleaseTime = 499'162'500;

/// What pack_release() may be told.
struct PackOptions {
  std::optional<std::string> strategy{};  ///< else that of a hand-written `midair.json`, else handover
  std::vector<std::string> exclude{};     ///< patterns of what is left out, whatever the ignore files say
  std::vector<std::string> include{};     ///< patterns of what is packed in spite of `exclude` and the ignore files
  bool keep_mtimes = false;               ///< files keep their modification times, in whole seconds
};

enum class LeftOutBy { by_default, ignore_file, option };
/// "default", "ignore_file", "option".
[[nodiscard]] const char* to_string(LeftOutBy by) noexcept;

/// A file, or a directory with all below it, that was not packed.
struct LeftOut {
  std::string name;  ///< relative; that of a directory ends with a slash
  LeftOutBy by = LeftOutBy::by_default;

  bool operator==(const LeftOut&) const = default;
};

/// What pack_release() made.
struct PackedRelease {
  Manifest manifest;
  std::string digest;                ///< SHA-256 of the tarball
  std::uint64_t size = 0;            ///< of the tarball, bytes
  std::uint64_t unpacked_size = 0;   ///< of all files together, bytes
  std::vector<LeftOut> left_out;     ///< in byte order of their names
  std::vector<std::string> notices;  ///< what whoever publishes should know, a sentence each
};

/// Packs what lies below `directory` into `tarball_fd` (an empty file, written from offset 0) as gzip'd POSIX ustar,
/// with pax headers for what has no room in it: the manifest first, then files, directories and links, each in byte
/// order; uid, gid and (unless they are kept) mtime are 0, modes as in mode_of(), the gzip header has no time. The same
/// files give the same bytes. Files with several names are packed as several files. A hand-written `midair.json` in
/// `directory` is replaced by the full manifest. The modules of an in-place release are its files modules/NAME.so.
///
/// Left out are, where neither `options` nor a `.midairignore` say otherwise, `.git`, `midair.yaml`, `.env*` and
/// `.midairignore`.
///
/// Errc::bad_input, naming the path: the directory is missing, empty or unreadable; a link that find_link_problem()
/// objects to, or an absolute one to something in `directory`; a device, socket or fifo; a name that check_entry_name()
/// refuses; more than ExtractLimits allow; a file that changed while it was packed; an unknown strategy; a module that
/// cannot be swapped in, or none in an in-place release; a pattern or an ignore file that doesn't parse.
[[nodiscard]] Result<PackedRelease> pack_release(const std::filesystem::path& directory, const std::string& app,
                                                 const std::string& version, int tarball_fd,
                                                 const std::stop_token& stop = {}, const PackOptions& options = {});

/// What pack_release() would pack.
struct ReleaseListing {
  Manifest manifest;                 ///< but for app and version
  std::uint64_t unpacked_size = 0;   ///< of all files together, bytes
  std::vector<LeftOut> left_out;     ///< see PackedRelease
  std::vector<std::string> notices;  ///< likewise
};

/// Looks at everything as pack_release() does, and packs nothing. Errors of pack_release().
[[nodiscard]] Result<ReleaseListing> list_release(const std::filesystem::path& directory, const PackOptions& options,
                                                  const std::stop_token& stop = {});

/// Bounds on what a tarball may unpack to.
struct ExtractLimits {
  std::uint64_t max_unpacked_bytes = 4ULL << 30;
  std::uint64_t max_entries = 100'000;  ///< files, directories and links
};

/// Unpacks `tarball_fd` (read with pread from offset 0; the caller has verified its digest *on this descriptor*) into
/// `directory`, which must exist and be empty. Files and directories get the modes of mode_of(), files the time of
/// their manifest or kReleaseTime; the owners in the tarball are ignored. Links are made last. All of it is on disk
/// before this returns. The tree is then exactly what the manifest says: same names, sizes, digests, modes and links,
/// nothing else but the manifest itself.
///
/// Errc::corrupt: not gzip, truncated, trailing bytes, a second gzip member, a bad checksum, content that differs
/// from the manifest. Errc::refused: hard links, devices, fifos, sparse headers, unsafe, duplicate or clashing names,
/// links that are not listed or lead where they must not, setuid bits, a limit exceeded, a manifest that is missing,
/// late or of a newer format. Nothing is ever written outside `directory`; what was written inside is the caller's to
/// remove.
[[nodiscard]] Result<Manifest> extract_release(int tarball_fd, const std::filesystem::path& directory,
                                               const ExtractLimits& limits, const std::stop_token& stop = {});

/// Compares an extracted tree with its own manifest: every listed file has its size, digest and mode (it may have been
/// sealed meanwhile: the owner's write permission doesn't count), every listed directory is there with its mode, and
/// every link leads where it did. Extra files are tolerated (interpreters leave caches), and what lies in a place that
/// is writable by `writable` or by the manifest isn't looked at. Errc::corrupt names the first file that differs.
[[nodiscard]] Result<Manifest> verify_extracted(const std::filesystem::path& directory,
                                                const std::stop_token& stop = {}, const WritablePlaces& writable = {});

/// The names of what lies in an extracted tree and not in its manifest, sorted; of so many files only the first `most`
/// that are found. Directories don't count, nor what lies in a writable place. Links are not followed.
[[nodiscard]] Result<std::vector<std::string>> added_files(const std::filesystem::path& directory, std::size_t most,
                                                           const WritablePlaces& writable = {});

/// Logs them, if there are any.
void log_added_files(const std::filesystem::path& directory, const WritablePlaces& writable = {});

}  // namespace midair
