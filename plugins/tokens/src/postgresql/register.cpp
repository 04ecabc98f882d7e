/// Poco's connector for PostgreSQL, in a library of its own that is loaded when it is wanted.
#include <Poco/Data/PostgreSQL/Connector.h>

extern "C" __attribute__((visibility("default"))) void midair_register_postgresql() {
  Poco::Data::PostgreSQL::Connector::registerConnector();
}
