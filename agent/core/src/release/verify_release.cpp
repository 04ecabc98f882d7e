#include <sys/stat.h>

#include <cerrno>

#include "midair/digest.h"
#include "midair/durable_file.h"
#include "midair/release/release_archive.h"
#include "release/dir_tree.h"

namespace midair {

namespace {

Error differs(const std::string& name, const std::string& cause) {
  return {Errc::corrupt, "verify", name, cause, "the release must be fetched and unpacked again"};
}

/// True if the name is missing, or something else than a regular file or a directory on the way to one.
bool is_wrong_kind(const Error& error) {
  return error.code == Errc::refused || error.sys == ENOENT || error.sys == ENOTDIR || error.sys == ELOOP;
}

/// The file, which must be there, with the mode that extract_release() gave it; the owner may have been denied to
/// write.
Result<Fd> open_listed(DirTree& tree, const std::string& name, bool executable) {
  auto fd = tree.open_file(name);
  if (!fd) return is_wrong_kind(fd.error()) ? differs(name, fd.error().message()) : fd.error();
  struct stat status {};
  if (::fstat(fd->get(), &status) != 0) return system_error(errno, "inspect", name);
  if ((status.st_mode & (07777 & ~S_IWUSR)) != (executable ? 0555U : 0444U))
    return differs(name, "its mode was changed");
  return fd;
}

Result<void> verify_file(DirTree& tree, const ManifestFile& file, const std::stop_token& stop) {
  MIDAIR_TRY_ASSIGN(const Fd fd, open_listed(tree, file.path, file.executable));
  MIDAIR_TRY_ASSIGN(const std::string digest, sha256_of_fd(fd.get(), file.size, file.path, stop));
  if (digest != file.digest) return differs(file.path, "its SHA-256 is not the one in the manifest");
  return {};
}

}  // namespace

Result<Manifest> verify_extracted(const std::filesystem::path& directory, const std::stop_token& stop) {
  const std::string name(kManifestName);
  MIDAIR_TRY_ASSIGN(DirTree tree, DirTree::open(directory));
  MIDAIR_TRY_ASSIGN(const Fd fd, open_listed(tree, name, false));
  MIDAIR_TRY_ASSIGN(const std::string text, read_all(fd.get(), kMaxManifestBytes, name));
  MIDAIR_TRY_ASSIGN(Manifest manifest, Manifest::parse(text, name));
  for (const ManifestFile& file : manifest.files) MIDAIR_TRY(verify_file(tree, file, stop));
  return manifest;
}

}  // namespace midair
