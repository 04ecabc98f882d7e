#include "midair/store/file_object_store.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "midair/call_timer.h"
#include "midair/durable_file.h"
#include "midair/net/url_text.h"
#include "store/file_store_writer.h"
#include "store/file_tree.h"
#include "store/store_rules.h"

namespace midair {

namespace {

constexpr std::size_t kChunk = 64 * 1024;

std::string hex(std::uint64_t number) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  do {
    text.insert(text.begin(), kDigits[number % 16]);
    number /= 16;
  } while (number != 0);
  return text;
}

Etag etag_of(const struct stat& status) {
  const auto nanoseconds = static_cast<std::uint64_t>(status.st_mtim.tv_sec) * 1'000'000'000 +
                           static_cast<std::uint64_t>(status.st_mtim.tv_nsec);
  return "\"" + hex(nanoseconds) + "-" + hex(status.st_ino) + "-" + hex(static_cast<std::uint64_t>(status.st_size)) +
         "\"";
}

ObjectInfo info_of(std::string key, const struct stat& status) {
  const auto modified = std::chrono::seconds(status.st_mtim.tv_sec) + std::chrono::nanoseconds(status.st_mtim.tv_nsec);
  return {std::move(key), etag_of(status), static_cast<std::uint64_t>(status.st_size),
          std::chrono::system_clock::time_point(modified)};
}

/// A key's directory and its last segment.
struct Place {
  std::string directory;
  std::string name;
};

Place place_of(const std::string& key) {
  const auto slash = key.rfind('/');
  if (slash == std::string::npos) return {"", key};
  return {key.substr(0, slash), key.substr(slash + 1)};
}

bool is_hidden(std::string_view path) {
  return path == kHiddenDirectory || path.starts_with(std::string(kHiddenDirectory) + "/");
}

Result<void> check_file_key(const std::string& key) {
  MIDAIR_TRY(check_key(key));
  if (is_hidden(key))
    return Error{Errc::bad_input, "use the object key", key, "the store keeps its own files under that name"};
  return {};
}

Error no_such_object(const std::string& key) { return {Errc::not_found, "find", key, "there is no such object"}; }

Result<Fd> open_root(const std::string& directory) {
  auto root = open_file(directory, O_RDONLY | O_DIRECTORY);
  if (root || root.error().code != Errc::not_found) return root;
  // Not Errc::not_found: a store that went away must not look like an object that was removed.
  Error error{Errc::unavailable, "open the store", "file://" + directory, "the directory is not there",
              "create it, or mount what holds it"};
  error.sys = root.error().sys;
  return error;
}

/// Opens an object for reading; Errc::not_found unless it is a regular file.
Result<Fd> open_object(int root, const std::string& key, struct stat& status) {
  const Place place = place_of(key);
  const auto directory = open_directory_below(root, place.directory);
  if (!directory) return directory.error().code == Errc::not_found ? no_such_object(key) : directory.error();
  // O_NONBLOCK: opening a fifo must not wait for its writer.
  Fd fd(::openat(directory->get(), place.name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!fd) {
    if (errno == ENOENT || errno == ELOOP || errno == ENAMETOOLONG || errno == ENXIO) return no_such_object(key);
    return system_error(errno, "read", key);
  }
  if (::fstat(fd.get(), &status) != 0) return system_error(errno, "read", key);
  if (!S_ISREG(status.st_mode)) return no_such_object(key);
  return fd;
}

Result<void> deliver(int fd, std::uint64_t offset, std::uint64_t size, const std::string& key, ByteSink& sink,
                     const CallTimer& timer) {
  const auto buffer = std::make_unique<char[]>(kChunk);
  while (offset < size) {
    MIDAIR_TRY(timer.check("read", key));
    const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(kChunk, size - offset));
    const ssize_t n = ::pread(fd, buffer.get(), wanted, static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return system_error(errno, "read", key);
    if (n == 0) return Error{Errc::corrupt, "read", key, "the file was cut short while it was read"};
    MIDAIR_TRY(sink.write({buffer.get(), static_cast<std::size_t>(n)}));
    offset += static_cast<std::uint64_t>(n);
  }
  return {};
}

Result<void> fill(int fd, ByteSource& body, const std::string& key, const CallTimer& timer) {
  const auto buffer = std::make_unique<char[]>(kChunk);
  std::uint64_t written = 0;
  MIDAIR_TRY(body.seek(0));
  for (;;) {
    MIDAIR_TRY(timer.check("store", key));
    MIDAIR_TRY_ASSIGN(const std::size_t n, body.read(buffer.get(), kChunk));
    if (n == 0) break;
    MIDAIR_TRY(write_all(fd, {buffer.get(), n}, key));
    written += n;
  }
  if (written != body.size()) return wrong_body_length(key, body.size(), written);
  if (::fsync(fd) != 0) return system_error(errno, "flush", key);
  return {};
}

/// The version of the object at `place`, under the store's lock.
Result<std::optional<Etag>> current_version(int root, const Place& place) {
  const auto directory = open_directory_below(root, place.directory);
  if (!directory && directory.error().code == Errc::not_found) return std::optional<Etag>();
  if (!directory) return directory.error();
  MIDAIR_TRY_ASSIGN(const auto status, regular_file_in(directory->get(), place.name));
  return status ? std::optional(etag_of(*status)) : std::nullopt;
}

Result<Etag> publish(int root, TemporaryFile& file, const Place& place, const StoreLock& lock) {
  MIDAIR_TRY(lock.stamp(file.fd()));
  struct stat status {};
  if (::fstat(file.fd(), &status) != 0) return system_error(errno, "read", place.name);
  MIDAIR_TRY_ASSIGN(const Fd directory, create_directory_below(root, place.directory));
  MIDAIR_TRY(file.move_to(directory.get(), place.name));
  return etag_of(status);
}

}  // namespace

Result<std::unique_ptr<FileObjectStore>> FileObjectStore::open(const std::filesystem::path& directory,
                                                               IfMissing if_missing) {
  if (!directory.is_absolute())
    return Error{Errc::bad_input, "open the store", "file://" + directory.string(), "the directory is not absolute",
                 "write file:///DIR with three slashes"};
  std::string normal = directory.lexically_normal().string();
  while (normal.size() > 1 && normal.back() == '/') normal.pop_back();
  if (if_missing == IfMissing::create)
    MIDAIR_TRY(make_private_dir(normal));
  else
    MIDAIR_TRY(open_root(normal));
  return std::unique_ptr<FileObjectStore>(new FileObjectStore(std::move(normal)));
}

Result<GetAnswer> FileObjectStore::get(const GetRequest& request, ByteSink& sink, const CallLimits& limits) {
  MIDAIR_TRY(check_file_key(request.key));
  const CallTimer timer(limits);
  MIDAIR_TRY(timer.check("read", request.key));
  MIDAIR_TRY_ASSIGN(const Fd root, open_root(directory_));
  struct stat status {};
  MIDAIR_TRY_ASSIGN(const Fd fd, open_object(root.get(), request.key, status));
  const auto size = static_cast<std::uint64_t>(status.st_size);
  GetAnswer answer{false, etag_of(status), size};
  if (!request.if_none_match.empty() && request.if_none_match == answer.etag) {
    answer.not_modified = true;
    return answer;
  }
  MIDAIR_TRY(check_size(request, size));
  MIDAIR_TRY_ASSIGN(const std::uint64_t offset, start_of_delivery(request, answer.etag, size, sink));
  MIDAIR_TRY(deliver(fd.get(), offset, size, request.key, sink, timer));
  return answer;
}

Result<Etag> FileObjectStore::put(const std::string& key, ByteSource& body, const PutCondition& condition,
                                  const CallLimits& limits) {
  MIDAIR_TRY(check_file_key(key));
  const CallTimer timer(limits);
  MIDAIR_TRY_ASSIGN(const Fd root, open_root(directory_));
  MIDAIR_TRY_ASSIGN(const Fd hidden, create_directory_below(root.get(), kHiddenDirectory));
  MIDAIR_TRY_ASSIGN(TemporaryFile file, TemporaryFile::create(hidden.get(), timer));
  MIDAIR_TRY(fill(file.fd(), body, key, timer));
  const Place place = place_of(key);
  MIDAIR_TRY_ASSIGN(const StoreLock lock, StoreLock::take(hidden.get(), timer));
  MIDAIR_TRY_ASSIGN(const auto current, current_version(root.get(), place));
  MIDAIR_TRY(check_condition(condition, current, key));
  return publish(root.get(), file, place, lock);
}

Result<ObjectInfo> FileObjectStore::head(const std::string& key, const CallLimits& limits) {
  MIDAIR_TRY(check_file_key(key));
  MIDAIR_TRY(CallTimer(limits).check("find", key));
  MIDAIR_TRY_ASSIGN(const Fd root, open_root(directory_));
  struct stat status {};
  MIDAIR_TRY(open_object(root.get(), key, status));
  return info_of(key, status);
}

Result<void> FileObjectStore::remove(const std::string& key, const CallLimits& limits, const Etag& if_match) {
  MIDAIR_TRY(check_file_key(key));
  const CallTimer timer(limits);
  MIDAIR_TRY(timer.check("remove", key));
  MIDAIR_TRY_ASSIGN(const Fd root, open_root(directory_));
  MIDAIR_TRY_ASSIGN(const Fd hidden, create_directory_below(root.get(), kHiddenDirectory));
  MIDAIR_TRY_ASSIGN(const StoreLock lock, StoreLock::take(hidden.get(), timer));
  const Place place = place_of(key);
  MIDAIR_TRY_ASSIGN(const auto current, current_version(root.get(), place));
  if (!current) return {};
  if (!if_match.empty()) MIDAIR_TRY(check_condition(PutCondition::if_match(if_match), current, key));
  MIDAIR_TRY_ASSIGN(const Fd directory, open_directory_below(root.get(), place.directory));
  if (::unlinkat(directory.get(), place.name.c_str(), 0) != 0 && errno != ENOENT)
    return system_error(errno, "remove", key);
  if (::fsync(directory.get()) != 0) return system_error(errno, "flush the directory of", key);
  remove_empty_directories_below(root.get(), place.directory);
  return {};
}

Result<std::vector<ObjectInfo>> FileObjectStore::list(const std::string& prefix, const CallLimits& limits) {
  MIDAIR_TRY(check_prefix(prefix));
  const CallTimer timer(limits);
  MIDAIR_TRY(timer.check("list", prefix));
  MIDAIR_TRY_ASSIGN(const Fd root, open_root(directory_));
  std::vector<ObjectInfo> listing;
  const auto collect = [&](std::string key, const struct stat& status) -> Result<void> {
    MIDAIR_TRY(timer.check("list", prefix));
    if (key.starts_with(prefix) && check_file_key(key).ok()) listing.push_back(info_of(std::move(key), status));
    return {};
  };
  MIDAIR_TRY(for_each_file_below(root.get(), place_of(prefix).directory, collect));
  std::sort(listing.begin(), listing.end(), [](const auto& a, const auto& b) { return a.key < b.key; });
  return listing;
}

std::string FileObjectStore::url_of(const std::string& key) const {
  return "file://" + percent_encode(directory_ == "/" ? "" : directory_, true) + "/" + percent_encode(key, true);
}

std::optional<std::string> FileObjectStore::key_of(std::string_view url) const {
  const std::string base = url_of("");
  if (!url.starts_with(base)) return std::nullopt;
  auto key = decode_key(url.substr(base.size()));
  if (key && is_hidden(*key)) return std::nullopt;
  return key;
}

}  // namespace midair
