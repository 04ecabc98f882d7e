#include "midair/release/layout.h"

#include <cppunit/extensions/HelperMacros.h>

#include "result_asserts.h"

namespace midair {

class LayoutTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(LayoutTest);
  CPPUNIT_TEST(names_keys_as_flydeploy_does);
  CPPUNIT_TEST(pads_history_so_that_it_lists_in_order);
  CPPUNIT_TEST(checks_app_names);
  CPPUNIT_TEST(checks_versions);
  CPPUNIT_TEST(checks_machine_ids);
  CPPUNIT_TEST(derives_upgrade_ids_by_flydeploys_rule);
  CPPUNIT_TEST_SUITE_END();

  void names_keys_as_flydeploy_does() {
    const StoreLayout layout{"my_app"};
    CPPUNIT_ASSERT_EQUAL(std::string("releases/my_app-0.1.0.tar.gz"), layout.tarball("0.1.0"));
    CPPUNIT_ASSERT_EQUAL(std::string("releases/my_app-"), layout.tarball_prefix());
    CPPUNIT_ASSERT_EQUAL(std::string("releases/my_app-current.json"), layout.pointer());
    CPPUNIT_ASSERT_EQUAL(std::string("releases/my_app-deploy.lock"), layout.lock());
    CPPUNIT_ASSERT_EQUAL(std::string("releases/my_app-results/"), layout.results_prefix());
    CPPUNIT_ASSERT_EQUAL(std::string("releases/my_app-results/01KA/"), layout.results_prefix("01KA"));
    CPPUNIT_ASSERT_EQUAL(std::string("releases/my_app-results/01KA/28715e9ad77189.json"),
                         layout.result("01KA", "28715e9ad77189"));
    CPPUNIT_ASSERT_EQUAL(std::string("releases/my_app-machines/"), layout.machines_prefix());
    CPPUNIT_ASSERT_EQUAL(std::string("releases/my_app-machines/28715e9ad77189.json"), layout.machine("28715e9ad77189"));
  }

  void pads_history_so_that_it_lists_in_order() {
    const StoreLayout layout{"a"};
    CPPUNIT_ASSERT_EQUAL(std::string("releases/a-history/"), layout.history_prefix());
    CPPUNIT_ASSERT_EQUAL(std::string("releases/a-history/000000000007.json"), layout.history(7));
    CPPUNIT_ASSERT(layout.history(9) < layout.history(10));
  }

  void checks_app_names() {
    for (const std::string& name : {std::string("a"), std::string("my_app"), std::string("0-x"), std::string(63, 'a')})
      assert_ok(check_app_name(name));
    for (const std::string& name : {std::string(), std::string("A"), std::string("-a"), std::string("_a"),
                                    std::string("a.b"), std::string("a/b"), std::string("a\n"), std::string(64, 'a')})
      assert_fails(check_app_name(name), Errc::bad_input, "app name");
    assert_fails(check_app_name("a\n"), Errc::bad_input, R"('a\x0a')");
  }

  void checks_versions() {
    for (const std::string& version : {std::string("1"), std::string("0.1.0-rc.1+build_5"), std::string(64, 'v')})
      assert_ok(check_version(version));
    for (const std::string& version : {std::string(), std::string(".1"), std::string("-1"), std::string("a/b"),
                                       std::string(".."), std::string("1 2"), std::string(65, 'v')})
      assert_fails(check_version(version), Errc::bad_input, "version");
    assert_fails(check_version("current"), Errc::bad_input, "taken");
  }

  void checks_machine_ids() {
    for (const std::string& id : {std::string("28715e9ad77189"), std::string("_-A"), std::string(64, 'm')})
      assert_ok(check_machine_id(id));
    for (const std::string& id : {std::string(), std::string("a.b"), std::string("a/b"), std::string(65, 'm')})
      assert_fails(check_machine_id(id), Errc::bad_input, "machine id");
  }

  void derives_upgrade_ids_by_flydeploys_rule() {
    CPPUNIT_ASSERT_EQUAL(std::string("01KA93QZX1V2B3C4D5E6F7G8H9"),
                         upgrade_id_of("registry.fly.io/my-app:deployment-01KA93QZX1V2B3C4D5E6F7G8H9"));
    CPPUNIT_ASSERT_EQUAL(std::string("01A"), upgrade_id_of("x:deployment-01Abc"));
    CPPUNIT_ASSERT_EQUAL(std::string("7"), upgrade_id_of("deployment-a:deployment-7"));
    // printf %s 'registry.fly.io/my-app:v1' | sha256sum
    CPPUNIT_ASSERT_EQUAL(std::string("740adb40a7af126f"), upgrade_id_of("registry.fly.io/my-app:v1"));
    CPPUNIT_ASSERT_EQUAL(std::string("e3b0c44298fc1c14"), upgrade_id_of(""));
  }
};

CPPUNIT_TEST_SUITE_NAMED_REGISTRATION(LayoutTest, "layout");

}  // namespace midair
