#include "release/source_tree.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "midair/digest.h"
#include "midair/durable_file.h"
#include "midair/foreign_text.h"
#include "release/source_filter.h"

namespace midair {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t kBufferBytes = 128 * 1024;

Error bad_input(const fs::path& path, const std::string& cause) {
  return {Errc::bad_input, "pack", "'" + printable(path.string()) + "'", cause};
}

const char* describe(fs::file_type type) {
  switch (type) {
    case fs::file_type::directory: return "a directory";
    case fs::file_type::block: return "a block device";
    case fs::file_type::character: return "a character device";
    case fs::file_type::fifo: return "a fifo";
    case fs::file_type::socket: return "a socket";
    default: return "neither file nor directory";
  }
}

/// One run of list_source_files().
class Listing {
 public:
  Listing(const fs::path& real_root, SourceFilter filter) : inside_(real_root / ""), filter_(std::move(filter)) {}

  Result<void> add_directory(const fs::path& directory, const std::string& prefix) {
    MIDAIR_TRY(filter_.enter(directory, prefix));
    std::error_code error;
    for (fs::directory_iterator entry(directory, error), end; !error && entry != end; entry.increment(error))
      MIDAIR_TRY(add(entry->path(), prefix + entry->path().filename().string()));
    if (error) return bad_input(directory, error.message());
    filter_.leave();
    return {};
  }

  SourceListing take_sorted() {
    std::sort(files_.begin(), files_.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
    return {std::move(files_), filter_.take_left_out()};
  }

 private:
  Result<void> add(const fs::path& path, const std::string& name) {
    std::error_code error;
    const fs::file_type type = fs::symlink_status(path, error).type();
    if (error) return bad_input(path, error.message());
    if (!filter_.takes(name, type == fs::file_type::directory)) return {};
    if (type == fs::file_type::directory) return add_directory(path, name + "/");
    if (type == fs::file_type::symlink) return add_link(path, name);
    if (type != fs::file_type::regular) return bad_input(path, std::string("it is ") + describe(type));
    files_.push_back({name, path});
    return {};
  }

  Result<void> add_link(const fs::path& link, const std::string& name) {
    std::error_code error;
    const fs::path target = fs::canonical(link, error);
    if (error) return bad_input(link, "it is a link that leads nowhere (" + error.message() + ")");
    if (!target.string().starts_with(inside_.string())) return bad_input(link, "it is a link that leads outside");
    const fs::file_type type = fs::status(target, error).type();
    if (error) return bad_input(link, error.message());
    if (type != fs::file_type::regular) return bad_input(link, std::string("it is a link to ") + describe(type));
    files_.push_back({name, target});
    return {};
  }

  const fs::path inside_;  ///< the root without links, and with a slash at its end
  SourceFilter filter_;
  std::vector<SourceFile> files_;
};

/// Opens a regular file without waiting for anything, should it have become something else.
Result<Fd> open_regular(const fs::path& path, struct stat& status) {
  auto fd = open_file(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
  if (!fd) return bad_input(path, fd.error().cause);
  if (::fstat(fd->get(), &status) != 0) return system_error(errno, "inspect", path.string());
  if (!S_ISREG(status.st_mode)) return bad_input(path, "it is no longer a regular file");
  return fd;
}

}  // namespace

Result<SourceListing> list_source_files(const fs::path& directory, const PackOptions& options) {
  std::error_code error;
  const fs::path real = fs::canonical(directory, error);
  if (error) return bad_input(directory, error.message());
  MIDAIR_TRY_ASSIGN(SourceFilter filter, SourceFilter::make(options));
  Listing listing(real, std::move(filter));
  MIDAIR_TRY(listing.add_directory(directory, ""));
  return listing.take_sorted();
}

Result<SourceContent> read_source_file(const SourceFile& file, const std::stop_token& stop,
                                       const std::function<Result<void>(std::string_view)>& take) {
  struct stat status {};
  MIDAIR_TRY_ASSIGN(const Fd fd, open_regular(file.path, status));
  SourceContent content{.size = 0, .digest = {}, .executable = (status.st_mode & S_IXUSR) != 0};
  Sha256 hash;
  std::vector<char> buffer(kBufferBytes);
  for (;;) {
    if (stop.stop_requested()) return Error{Errc::cancelled, "pack", file.name, "it was interrupted"};
    const ssize_t n = ::read(fd.get(), buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return system_error(errno, "read", file.path.string());
    if (n == 0) break;
    const std::string_view piece(buffer.data(), static_cast<std::size_t>(n));
    hash.update(piece);
    content.size += piece.size();
    MIDAIR_TRY(take(piece));
  }
  content.digest = hash.finish_hex();
  return content;
}

}  // namespace midair
