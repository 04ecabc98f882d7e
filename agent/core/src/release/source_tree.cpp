#include "release/source_tree.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "midair/digest.h"
#include "midair/durable_file.h"
#include "midair/foreign_text.h"
#include "release/entry_mode.h"
#include "release/ignore/source_filter.h"
#include "release/ustar.h"

namespace midair {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t kBufferBytes = 128 * 1024;
constexpr const char* kUnreadable = "let yourself read it, or leave it out (.midairignore, --exclude)";
constexpr const char* kUnwanted = "remove it, or leave it out (.midairignore, --exclude)";

Error bad_input(const fs::path& path, const std::string& cause, const std::string& hint = {}) {
  return {Errc::bad_input, "pack", "'" + printable(path.string()) + "'", cause, hint};
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

template <class Entry>
void sort_by_name(std::vector<Entry>& entries, std::string Entry::*name) {
  std::ranges::sort(entries, {}, name);
}

/// True if `path` is `directory`, or lies below it, by their names alone.
bool is_inside(const fs::path& path, const fs::path& directory) {
  const std::string inside = (directory / "").string();
  return (path.lexically_normal() / "").string().starts_with(inside);
}

/// One run of list_source_tree().
class Listing {
 public:
  /// `root`, and the same without links.
  Listing(fs::path root, fs::path real_root, SourceFilter filter)
      : root_(std::move(root)), real_root_(std::move(real_root)), filter_(std::move(filter)) {}

  /// `prefix` is the directory's name and a slash; empty for the root, which no manifest lists.
  void add_directory(const fs::path& directory, const std::string& prefix) {
    if (auto entered = filter_.enter(directory, prefix); !entered)
      return problems_.push_back(std::move(entered).error());
    const std::size_t before = entries();
    std::error_code error;
    for (fs::directory_iterator entry(directory, error), end; !error && entry != end; entry.increment(error))
      add(entry->path(), prefix + entry->path().filename().string());
    if (error) reject(directory, error.message(), kUnreadable);
    filter_.leave();
    if (prefix.empty()) return;
    struct stat status {};
    if (::lstat(directory.c_str(), &status) != 0)
      return reject(directory, system_error(errno, "", "").cause, kUnreadable);
    const Access access = access_of(status.st_mode);
    if (entries() == before || access != Access::all)
      tree_.directories.push_back({prefix.substr(0, prefix.size() - 1), access});
  }

  SourceListing take_sorted() {
    sort_by_name(tree_.files, &SourceFile::name);
    sort_by_name(tree_.directories, &ManifestDirectory::path);
    sort_by_name(tree_.links, &ManifestLink::path);
    return {std::move(tree_), filter_.take_left_out(), std::move(problems_)};
  }

 private:
  void add(const fs::path& path, const std::string& name) {
    std::error_code error;
    const fs::file_type type = fs::symlink_status(path, error).type();
    if (error) return reject(path, error.message(), kUnreadable);
    if (!filter_.takes(name, type == fs::file_type::directory)) return;
    if (type == fs::file_type::directory) return add_directory(path, name + "/");
    if (type == fs::file_type::symlink) return add_link(path, name);
    if (type != fs::file_type::regular) return reject(path, std::string("it is ") + describe(type), kUnwanted);
    tree_.files.push_back({name, path});
  }

  /// Relative ones are judged when all is known, see find_link_problem().
  void add_link(const fs::path& link, const std::string& name) {
    std::error_code error;
    const fs::path target = fs::read_symlink(link, error);
    if (error) return reject(link, error.message(), kUnreadable);
    if (target.is_absolute() && (is_inside(target, root_) || is_inside(target, real_root_)))
      return reject(link, "it is an absolute link into the release, which lies elsewhere on a machine",
                    "make it relative: ln -sr");
    tree_.links.push_back({name, target.string()});
  }

  void reject(const fs::path& path, const std::string& cause, const std::string& hint) {
    problems_.push_back(bad_input(path, cause, hint));
  }

  [[nodiscard]] std::size_t entries() const {
    return tree_.files.size() + tree_.directories.size() + tree_.links.size();
  }

  const fs::path root_;
  const fs::path real_root_;
  SourceFilter filter_;
  SourceTree tree_;
  std::vector<Error> problems_;
};

/// As a tar header can say it.
std::uint64_t time_of(const struct stat& status) {
  return static_cast<std::uint64_t>(
      std::clamp<std::int64_t>(status.st_mtim.tv_sec, 0, static_cast<std::int64_t>(kMaxTarFileBytes)));
}

/// Opens a regular file without waiting for anything, should it have become something else.
Result<Fd> open_regular(const fs::path& path, struct stat& status) {
  auto fd = open_file(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
  if (!fd) return bad_input(path, fd.error().cause, kUnreadable);
  if (::fstat(fd->get(), &status) != 0) return system_error(errno, "inspect", path.string());
  if (!S_ISREG(status.st_mode)) return bad_input(path, "it is no longer a regular file");
  return fd;
}

}  // namespace

Result<SourceListing> list_source_tree(const fs::path& directory, const PackOptions& options) {
  std::error_code error;
  const fs::path real = fs::canonical(directory, error);
  if (error) return bad_input(directory, error.message());
  const fs::path absolute = fs::absolute(directory, error).lexically_normal();
  if (error) return bad_input(directory, error.message());
  MIDAIR_TRY_ASSIGN(SourceFilter filter, SourceFilter::make(options));
  Listing listing(absolute, real, std::move(filter));
  listing.add_directory(directory, "");
  return listing.take_sorted();
}

Result<SourceContent> read_source_file(const SourceFile& file, const std::stop_token& stop,
                                       const std::function<Result<void>(std::string_view)>& take) {
  struct stat status {};
  MIDAIR_TRY_ASSIGN(const Fd fd, open_regular(file.path, status));
  SourceContent content{.size = 0,
                        .digest = {},
                        .executable = (status.st_mode & S_IXUSR) != 0,
                        .access = access_of(status.st_mode),
                        .mtime = time_of(status)};
  Sha256 hash;
  // One byte more than there should be, which shows the end; most files are much smaller than the buffer.
  std::vector<char> buffer(std::clamp<std::uint64_t>(static_cast<std::uint64_t>(status.st_size) + 1, 1, kBufferBytes));
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
