#include "postgresql_token_store.h"

#include <Poco/Data/DataException.h>
#include <Poco/String.h>
#include <dlfcn.h>

#include <algorithm>
#include <mutex>
#include <sstream>

#include "midair/redact.h"

namespace midair {

using Poco::Data::Session;
using Poco::Data::Keywords::now;

namespace {

constexpr std::size_t kLoginTimeout = 5;  // seconds, to connect
constexpr const char* kLibrary = "libmidair-postgresql.so";
constexpr const char* kEntry = "midair_register_postgresql";

/// Makes Poco Data know "postgresql". The library stays loaded.
Result<void> load_connector() {
  static std::mutex mutex;
  const std::scoped_lock lock(mutex);
  void* library = ::dlopen(kLibrary, RTLD_NOW | RTLD_LOCAL);
  void* entry = library == nullptr ? nullptr : ::dlsym(library, kEntry);
  if (entry == nullptr) return Error{Errc::not_found, "load", kLibrary, ::dlerror(), "install libpocodatapostgresql80"};
  reinterpret_cast<void (*)()>(entry)();
  return {};
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
  MIDAIR_TRY(load_connector());
  Session session("postgresql", connection_.reveal(), kLoginTimeout);
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

}  // namespace midair
