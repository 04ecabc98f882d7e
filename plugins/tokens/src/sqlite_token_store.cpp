#include "sqlite_token_store.h"

#include <Poco/Data/SQLite/Connector.h>
#include <Poco/Data/SQLite/SQLiteException.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "midair/durable_file.h"

namespace midair::host::tokens {

namespace fs = std::filesystem;
namespace sqlite = Poco::Data::SQLite;
using Poco::Data::Session;
using Poco::Data::Keywords::into;
using Poco::Data::Keywords::now;

namespace {

constexpr int kFormat = 1;  // PRAGMA user_version; raised when the table changes

std::string octal(mode_t mode) {
  std::array<char, 8> text{};
  std::snprintf(text.data(), text.size(), "%04o", mode & 07777U);
  return text.data();
}

/// Demands that `path` is of `type` (S_IFDIR, S_IFREG), ours, and closed to others. It need not be there.
Result<void> check_private(const fs::path& path, mode_t type) {
  struct stat info {};
  if (::lstat(path.c_str(), &info) != 0)
    return errno == ENOENT ? Result<void>() : system_error(errno, "look at", path.string());
  const auto refuse = [&](std::string cause, std::string hint) {
    return Error{Errc::denied, "keep tokens in", path.string(), std::move(cause), std::move(hint)};
  };
  if ((info.st_mode & S_IFMT) != type)
    return refuse(type == S_IFDIR ? "it is no directory" : "it is no regular file", "set tokens.dir to another place");
  if (info.st_uid != ::geteuid()) return refuse("it belongs to another user", "set tokens.dir to a place of your own");
  if ((info.st_mode & 077U) != 0)
    return refuse("others may use it (mode " + octal(info.st_mode) + ")",
                  "chmod " + octal(type == S_IFDIR ? 0700 : 0600) + " " + path.string() +
                      ", and replace tokens that others may have read");
  return {};
}

/// SQLite would create the file with the umask's mode.
Result<void> create_private(const fs::path& path) {
  auto created = open_file(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
  if (created.ok() || created.error().sys == EEXIST) return {};
  return std::move(created).error();
}

}  // namespace

SqliteTokenStore::SqliteTokenStore(const fs::path& directory) : directory_(directory), file_(directory / "tokens.db") {}

Result<Session> SqliteTokenStore::connect() {
  MIDAIR_TRY(make_private_dir(directory_));
  MIDAIR_TRY(check_private(directory_, S_IFDIR));
  MIDAIR_TRY(create_private(file_));
  for (const char* suffix : {"", "-wal", "-shm"}) MIDAIR_TRY(check_private(file_.string() + suffix, S_IFREG));

  sqlite::Connector::registerConnector();
  Session session(sqlite::Connector::KEY, file_.string());
  session << "PRAGMA busy_timeout = " + std::to_string(kPatience.count()), now;
  int format = 0;
  session << "PRAGMA user_version", into(format), now;
  if (format > kFormat)
    return Error{Errc::refused, "use", file_.string(), "a newer midair made it (format " + std::to_string(format) + ")",
                 "use that version, or set tokens.dir to another place"};
  std::string mode;
  session << "PRAGMA journal_mode = WAL", into(mode), now;
  session << "PRAGMA synchronous = FULL", now;  // a manual token that was acknowledged survives a power cut
  session << "PRAGMA secure_delete = ON", now;  // what is removed is overwritten
  session << kCreateTable, now;
  if (format == 0) session << "PRAGMA user_version = " + std::to_string(kFormat), now;
  return session;
}

void SqliteTokenStore::scrub(Session& session) {
  // The log still has the removed token: empties it, unless somebody is reading, who will do it later.
  int busy = 0;
  session << "PRAGMA wal_checkpoint(TRUNCATE)", into(busy), now;
}

Error SqliteTokenStore::explain(const Poco::Exception& failure, std::string op) const {
  Error error{Errc::io, std::move(op), name(), failure.displayText()};
  const auto is = [&]<class E>(std::in_place_type_t<E>) { return dynamic_cast<const E*>(&failure) != nullptr; };
  if (is(std::in_place_type<sqlite::DBLockedException>) || is(std::in_place_type<sqlite::TableLockedException>)) {
    error.code = Errc::timeout;
    error.cause = "another process keeps it locked";
  } else if (is(std::in_place_type<sqlite::CorruptImageException>)) {
    error.code = Errc::corrupt;
    error.hint = "move the file away; manual tokens must be set again";
  } else if (is(std::in_place_type<sqlite::DatabaseFullException>)) {
    error.code = Errc::no_space;
  } else if (is(std::in_place_type<sqlite::ReadOnlyException>) ||
             is(std::in_place_type<sqlite::CantOpenDBFileException>)) {
    error.code = Errc::denied;
  }
  return error;
}

}  // namespace midair::host::tokens
