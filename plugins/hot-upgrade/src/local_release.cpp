#include "local_release.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "midair/durable_file.h"
#include "midair/json/json.h"
#include "midair/release/layout.h"

namespace midair::host::hot {

namespace fs = std::filesystem;

namespace {

/// The version that a hand-written manifest gives; empty if there is none.
Result<std::string> version_in_manifest(const fs::path& directory) {
  const auto path = directory / kManifestName;
  const auto text = read_file(path, kMaxManifestBytes);
  if (!text.ok()) {
    if (text.error().code == Errc::not_found) return std::string();
    return text.error();
  }
  MIDAIR_TRY_ASSIGN(const auto json, parse_json_object(*text, path.string(), kMaxManifestBytes));
  JsonReader reader(*json, path.string());
  auto version = reader.optional_string("version");
  MIDAIR_TRY(reader.finish());
  return version;
}

/// O_TMPFILE, or, on file systems that don't have it, a file that is unlinked at once.
Result<Fd> open_unnamed_file() {
  const char* configured = std::getenv("TMPDIR");
  const fs::path directory = configured != nullptr && *configured != '\0' ? configured : "/tmp";
  Fd fd(::open(directory.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  if (!fd && (errno == EOPNOTSUPP || errno == EISDIR)) {
    std::string name = directory / "midair-release-XXXXXX";
    fd = Fd(::mkostemp(name.data(), O_CLOEXEC));
    if (fd) ::unlink(name.c_str());
  }
  if (!fd) return system_error(errno, "create a temporary file in", directory);
  return fd;
}

}  // namespace

Result<std::string> choose_version(const fs::path& directory, const std::optional<std::string>& asked,
                                   const std::string& fallback) {
  std::error_code failure;
  if (!fs::is_directory(directory, failure))
    return Error{Errc::not_found, "pack", directory.string(), "there is no such directory",
                 "name the directory to publish with --from DIR"};
  std::string version = asked.value_or("");
  if (!asked) {
    MIDAIR_TRY_ASSIGN(version, version_in_manifest(directory));
    if (version.empty()) version = fallback;
  }
  MIDAIR_TRY(check_version(version));
  return version;
}

Result<LocalRelease> pack_locally(const fs::path& directory, const std::string& app, const std::string& version,
                                  const PackOptions& options, const std::stop_token& stop) {
  MIDAIR_TRY_ASSIGN(auto file, open_unnamed_file());
  MIDAIR_TRY_ASSIGN(auto packed, pack_release(directory, app, version, file.get(), stop, options));
  return LocalRelease{std::move(packed), std::move(file)};
}

}  // namespace midair::host::hot
