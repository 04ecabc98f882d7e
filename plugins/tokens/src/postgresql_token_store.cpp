#include "postgresql_token_store.h"

#include <Poco/Data/DataException.h>
#include <Poco/String.h>
#include <dlfcn.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <sstream>

#include "midair/redact.h"

namespace midair::host::tokens {

using Poco::Data::Session;
using Poco::Data::Keywords::now;

namespace {

constexpr std::size_t kLoginTimeout = 5;  // seconds, to connect
constexpr const char* kConnector = "postgresql";
constexpr const char* kLibrary = "libmidair-postgresql.so";

/// The library's path: it lies in the directory above the plugins'. Elsewhere the loader may know it.
std::string library_path() {
  Dl_info self{};
  if (::dladdr(reinterpret_cast<const void*>(&library_path), &self) == 0) return kLibrary;
  const auto path = std::filesystem::path(self.dli_fname).parent_path().parent_path() / kLibrary;
  return std::filesystem::exists(path) ? path.string() : kLibrary;
}

/// What the library offers (postgresql/register.cpp).
struct Library {
  void (*enter)() = nullptr;
  void (*try_connection)(const char* connection, char* why, std::size_t size) = nullptr;
};

/// The library stays loaded.
Result<Library> load_library() {
  void* loaded = ::dlopen(library_path().c_str(), RTLD_NOW | RTLD_LOCAL);
  if (loaded == nullptr)
    return Error{Errc::not_found, "load", kLibrary, ::dlerror(), "install libpocodatapostgresql80"};
  Library library;
  library.enter = reinterpret_cast<decltype(library.enter)>(::dlsym(loaded, "midair_register_postgresql"));
  library.try_connection = reinterpret_cast<decltype(library.try_connection)>(::dlsym(loaded, "midair_try_postgresql"));
  if (library.enter == nullptr || library.try_connection == nullptr)
    return Error{Errc::corrupt, "load", kLibrary, "it is of another version", "install the one of this midair"};
  return library;
}

}  // namespace

PostgresqlTokenStore::PostgresqlTokenStore(Secret connection) : connection_(std::move(connection)) {}

std::string PostgresqlTokenStore::option(const std::string& key) const {
  std::istringstream words(connection_.reveal());
  for (std::string word; words >> word;)
    if (word.starts_with(key + "=")) return word.substr(key.size() + 1);
  return {};
}

std::string PostgresqlTokenStore::name() const {
  const std::string host = option("host");
  return "postgresql " + option("dbname") + (host.empty() ? "" : " at " + host);
}

Result<Session> PostgresqlTokenStore::connect() {
  MIDAIR_TRY_ASSIGN(const Library library, load_library());
  library.enter();
  std::array<char, 1000> why{};
  const std::string limited = "connect_timeout=" + std::to_string(kLoginTimeout) + " " + connection_.reveal();
  library.try_connection(limited.c_str(), why.data(), why.size());
  if (why.front() != '\0') return explain(Poco::Data::ConnectionFailedException(why.data()), "connect to");
  Session session(kConnector, connection_.reveal(), kLoginTimeout);
  session << "SET statement_timeout = " + std::to_string(kPatience.count()), now;
  session << "SET client_min_messages = warning", now;  // no notice that the table exists
  session << kCreateTable, now;
  return session;
}

Error PostgresqlTokenStore::explain(const Poco::Exception& failure, std::string op) const {
  Error error{Errc::unavailable, std::move(op), name(), redact(failure.displayText())};
  if (const std::string password = option("password"); !password.empty())
    error.cause = Poco::replace(error.cause, password, std::string("***"));
  std::ranges::replace(error.cause, '\n', ' ');
  const auto says = [&](const char* words) { return error.cause.find(words) != std::string::npos; };
  if (says("authentication failed") || says("permission denied")) error.code = Errc::denied;
  if (says("statement timeout")) error = {Errc::timeout, error.op, error.subject, "another session keeps it locked"};
  return error;
}

}  // namespace midair::host::tokens
