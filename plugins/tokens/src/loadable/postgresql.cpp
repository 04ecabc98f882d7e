/// Poco's connector for PostgreSQL, in a library of its own that is loaded when it is wanted.
#include <Poco/Data/PostgreSQL/Connector.h>
#include <libpq-fe.h>

#include <cstdio>

/// Makes Poco Data know "postgresql".
extern "C" __attribute__((visibility("default"))) void midair_register_postgresql() {
  Poco::Data::PostgreSQL::Connector::registerConnector();
}

/// Tries a connection and writes why there is none into `why`, or an empty text. To be called before Poco's connector,
/// which loses the memory of each connection that fails.
extern "C" __attribute__((visibility("default"))) void midair_try_postgresql(const char* connection, char* why,
                                                                             std::size_t size) {
  PGconn* tried = PQconnectdb(connection);
  std::snprintf(why, size, "%s", PQstatus(tried) == CONNECTION_OK ? "" : PQerrorMessage(tried));
  PQfinish(tried);
}
