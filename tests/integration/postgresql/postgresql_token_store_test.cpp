#include "postgresql_token_store.h"

#include <cstdlib>

#include "result_asserts.h"
#include "token_store_conformance.h"

/// Poco 1.11 loses the memory of a connection that the server has closed.
extern "C" const char* __lsan_default_suppressions();  // NOLINT(bugprone-reserved-identifier): LeakSanitizer's name
const char* __lsan_default_suppressions() {            // NOLINT(bugprone-reserved-identifier)
  return "leak:Poco::Data::PostgreSQL::SessionHandle::connect\n";
}

namespace midair::host::tokens {

using Poco::Data::Session;
using Poco::Data::Keywords::now;
using namespace std::chrono_literals;

class PostgresqlTokenStoreTest : public TokenStoreConformance {
  CPPUNIT_TEST_SUB_SUITE(PostgresqlTokenStoreTest, TokenStoreConformance);
  CPPUNIT_TEST(a_lost_connection_is_made_anew);
  CPPUNIT_TEST(a_locked_table_is_waited_for_and_given_up);
  CPPUNIT_TEST(a_server_that_is_not_there_is_unavailable);
  CPPUNIT_TEST(a_wrong_password_is_denied_and_not_shown);
  CPPUNIT_TEST_SUITE_END();

 public:
  void setUp() override {
    assert_ok(open()->remove("any", TokenSlot::manual, kLimits));  // makes Poco Data know PostgreSQL
    Session(kConnector, connection()) << "DELETE FROM midair_tokens", now;
  }

 protected:
  std::shared_ptr<TokenStore> open() override { return std::make_shared<PostgresqlTokenStore>(Secret(connection())); }

 private:
  static std::string connection() {
    const char* value = std::getenv("MIDAIR_TEST_POSTGRESQL");
    if (value == nullptr) CPPUNIT_FAIL("run this below tests/support/postgresql/with-postgresql");
    return value == nullptr ? "" : value;
  }
  static Result<void> put(TokenStore& store, const CallLimits& limits = kLimits) {
    return store.put("app", TokenSlot::manual, {Secret("x"), "a test", WallTime(), std::nullopt}, limits);
  }

  void a_lost_connection_is_made_anew() {
    const auto store = open();
    assert_ok(put(*store));
    Session(kConnector, connection())
        << "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = current_user AND pid <> "
           "pg_backend_pid()",
        now;
    CPPUNIT_ASSERT_EQUAL(std::string("x"), value_of(store->get("app", TokenSlot::manual, kLimits))->text.reveal());
  }

  void a_locked_table_is_waited_for_and_given_up() {
    const auto store = open();
    assert_ok(put(*store));
    Session other(kConnector, connection());
    other << "BEGIN", now;
    other << "LOCK TABLE midair_tokens", now;
    assert_fails(put(*store, {2s}), Errc::timeout);
    other << "ROLLBACK", now;
    assert_ok(put(*store));
  }

  void a_server_that_is_not_there_is_unavailable() {
    PostgresqlTokenStore store(Secret("host=/nowhere dbname=midair user=midair password=canary"));
    const auto stored = put(store);
    assert_fails(stored, Errc::unavailable, "postgresql midair at /nowhere");
    CPPUNIT_ASSERT(stored.error().to_string().find("canary") == std::string::npos);
  }

  void a_wrong_password_is_denied_and_not_shown() {
    PostgresqlTokenStore store(Secret(connection() + "canary"));
    const auto stored = put(store);
    assert_fails(stored, Errc::denied, "authentication");
    CPPUNIT_ASSERT(stored.error().to_string().find("canary") == std::string::npos);
  }

  static inline const CallLimits kLimits{60s};
  static constexpr const char* kConnector = "postgresql";
};

CPPUNIT_TEST_SUITE_NAMED_REGISTRATION(PostgresqlTokenStoreTest, "postgresql_token_store");

}  // namespace midair::host::tokens
