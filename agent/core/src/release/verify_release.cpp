#include <sys/stat.h>

#include <cerrno>

#include "midair/digest.h"
#include "midair/durable_file.h"
#include "midair/release/release_archive.h"
#include "release/dir_tree.h"
#include "release/entry_mode.h"

namespace midair {

namespace {

Error differs(const std::string& name, const std::string& cause) {
  return {Errc::corrupt, "verify", name, cause, "the release must be fetched and unpacked again"};
}

/// True if the name is missing, or something else than a regular file or a directory on the way to one.
bool is_wrong_kind(const Error& error) {
  return error.code == Errc::refused || error.sys == ENOENT || error.sys == ENOTDIR || error.sys == ELOOP;
}

template <class T>
Result<T> as_difference(Result<T> result, const std::string& name) {
  if (result.ok() || !is_wrong_kind(result.error())) return result;
  return differs(name, result.error().message());
}

/// With the mode that extract_release() gave it; the owner may have been denied to write.
Result<void> check_mode(mode_t found, mode_t given, const std::string& name) {
  constexpr mode_t kChecked = 07777 & ~S_IWUSR;
  if ((found & kChecked) == (given & kChecked & ~0222U)) return {};
  return differs(name, "its mode was changed");
}

Result<Fd> open_listed(DirTree& tree, const std::string& name, mode_t mode) {
  MIDAIR_TRY_ASSIGN(auto fd, as_difference(tree.open_file(name), name));
  struct stat status {};
  if (::fstat(fd.get(), &status) != 0) return system_error(errno, "inspect", name);
  MIDAIR_TRY(check_mode(status.st_mode, mode, name));
  return fd;
}

Result<void> verify(DirTree& tree, const ManifestFile& file, const std::stop_token& stop) {
  MIDAIR_TRY_ASSIGN(const Fd fd, open_listed(tree, file.path, mode_of(file.access, file.executable)));
  MIDAIR_TRY_ASSIGN(const std::string digest, sha256_of_fd(fd.get(), file.size, file.path, stop));
  if (digest != file.digest) return differs(file.path, "its SHA-256 is not the one in the manifest");
  return {};
}

Result<void> verify(DirTree& tree, const ManifestDirectory& directory) {
  MIDAIR_TRY_ASSIGN(const mode_t mode, as_difference(tree.mode_of_directory(directory.path), directory.path));
  return check_mode(mode, mode_of(directory.access, true), directory.path);
}

Result<void> verify(DirTree& tree, const ManifestLink& link) {
  MIDAIR_TRY_ASSIGN(const std::string target, as_difference(tree.read_link(link.path), link.path));
  if (target != link.target) return differs(link.path, "it is a link to something else than the manifest says");
  return {};
}

}  // namespace

Result<Manifest> verify_extracted(const std::filesystem::path& directory, const std::stop_token& stop,
                                  const WritablePlaces& writable) {
  const std::string name(kManifestName);
  MIDAIR_TRY_ASSIGN(DirTree tree, DirTree::open(directory));
  MIDAIR_TRY_ASSIGN(const Fd fd, open_listed(tree, name, mode_of(Access::all, false)));
  MIDAIR_TRY_ASSIGN(const std::string text, read_all(fd.get(), kMaxManifestBytes, name));
  MIDAIR_TRY_ASSIGN(Manifest manifest, Manifest::parse(text, name));
  const auto is_sealed = [&](const std::string& path) {
    return !writable.contain(path) && !manifest.writable.contain(path);
  };
  for (const ManifestFile& file : manifest.files)
    if (is_sealed(file.path)) MIDAIR_TRY(verify(tree, file, stop));
  for (const ManifestDirectory& listed : manifest.directories)
    if (is_sealed(listed.path)) MIDAIR_TRY(verify(tree, listed));
  for (const ManifestLink& link : manifest.links)
    if (is_sealed(link.path)) MIDAIR_TRY(verify(tree, link));
  return manifest;
}

}  // namespace midair
