#include "host/plugin_order.h"

#include <cppunit/extensions/HelperMacros.h>

namespace midair::host {

class PluginOrderTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(PluginOrderTest);
  CPPUNIT_TEST(providers_come_before_those_who_need_them);
  CPPUNIT_TEST(unrelated_plugins_keep_their_order);
  CPPUNIT_TEST(the_hosts_services_need_no_provider);
  CPPUNIT_TEST(a_need_that_nobody_meets_is_refused_with_all_that_follow_from_it);
  CPPUNIT_TEST(a_circle_is_refused_by_name_and_takes_along_who_needs_it);
  CPPUNIT_TEST(a_plugin_that_needs_itself_is_a_circle);
  CPPUNIT_TEST(the_second_provider_of_a_service_is_refused);
  CPPUNIT_TEST(nobody_provides_what_the_host_does);
  CPPUNIT_TEST_SUITE_END();

  using Indices = std::vector<std::size_t>;

  void providers_come_before_those_who_need_them() {
    const auto plan = plan_start_order({{"a", {}, {"y"}}, {"b", {"y"}, {"x"}}, {"c", {"x"}, {}}}, {});
    CPPUNIT_ASSERT(plan.refusals.empty());
    CPPUNIT_ASSERT(plan.order == (Indices{2, 1, 0}));
  }

  void unrelated_plugins_keep_their_order() {
    CPPUNIT_ASSERT(plan_start_order({{"b", {}, {}}, {"a", {}, {}}, {"c", {}, {}}}, {}).order == (Indices{0, 1, 2}));
  }

  void the_hosts_services_need_no_provider() {
    CPPUNIT_ASSERT(plan_start_order({{"a", {}, {"store"}}}, {"store"}).order == Indices{0});
  }

  void a_need_that_nobody_meets_is_refused_with_all_that_follow_from_it() {
    const auto plan = plan_start_order({{"a", {}, {"y"}}, {"b", {"y"}, {"x"}}, {"c", {}, {}}}, {});
    CPPUNIT_ASSERT(plan.order == Indices{2});
    CPPUNIT_ASSERT_EQUAL(std::string("it needs the service 'x', which no plugin provides"), plan.refusals.at(1));
    CPPUNIT_ASSERT_EQUAL(std::string("it needs the service 'y' of the plugin 'b', which was refused"),
                         plan.refusals.at(0));
  }

  void a_circle_is_refused_by_name_and_takes_along_who_needs_it() {
    const auto plan = plan_start_order({{"outside", {}, {"x"}}, {"a", {"x"}, {"y"}}, {"b", {"y"}, {"x"}}}, {});
    CPPUNIT_ASSERT(plan.order.empty());
    CPPUNIT_ASSERT_EQUAL(std::string("plugins need each other in a circle: a -> b -> a"), plan.refusals.at(1));
    CPPUNIT_ASSERT_EQUAL(std::string("plugins need each other in a circle: a -> b -> a"), plan.refusals.at(2));
    CPPUNIT_ASSERT_EQUAL(std::string("it needs the service 'x' of the plugin 'a', which was refused"),
                         plan.refusals.at(0));
  }

  void a_plugin_that_needs_itself_is_a_circle() {
    const auto plan = plan_start_order({{"a", {"x"}, {"x"}}}, {});
    CPPUNIT_ASSERT_EQUAL(std::string("plugins need each other in a circle: a -> a"), plan.refusals.at(0));
  }

  void the_second_provider_of_a_service_is_refused() {
    const auto plan = plan_start_order({{"a", {"x"}, {}}, {"b", {"x"}, {}}, {"c", {}, {"x"}}}, {});
    CPPUNIT_ASSERT(plan.order == (Indices{0, 2}));
    CPPUNIT_ASSERT_EQUAL(std::string("the service 'x' is already provided by the plugin 'a'"), plan.refusals.at(1));
  }

  void nobody_provides_what_the_host_does() {
    const auto plan = plan_start_order({{"a", {"store"}, {}}}, {"store"});
    CPPUNIT_ASSERT_EQUAL(std::string("the service 'store' is midair's own"), plan.refusals.at(0));
  }
};

CPPUNIT_TEST_SUITE_NAMED_REGISTRATION(PluginOrderTest, "plugin_order");

}  // namespace midair::host
