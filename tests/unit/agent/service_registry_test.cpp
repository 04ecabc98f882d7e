#include "host/service_registry.h"

#include <cppunit/extensions/HelperMacros.h>

#include "config/config.h"
#include "host/plugin_context.h"

namespace midair::host {

class ServiceRegistryTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(ServiceRegistryTest);
  CPPUNIT_TEST(a_service_is_found_by_interface_and_name);
  CPPUNIT_TEST(interface_and_name_are_taken_once);
  CPPUNIT_TEST(withdrawing_lets_go_of_the_service);
  CPPUNIT_TEST(a_plugin_offers_only_what_it_announced);
  CPPUNIT_TEST_SUITE_END();

  void a_service_is_found_by_interface_and_name() {
    ServiceRegistry services;
    const auto five = std::make_shared<int>(5);
    CPPUNIT_ASSERT(services.add("p", typeid(int), "five", five).ok());
    CPPUNIT_ASSERT(services.find(typeid(int), "five") == five);
    CPPUNIT_ASSERT(services.find(typeid(long), "five") == nullptr);
    CPPUNIT_ASSERT(services.find(typeid(int), "six") == nullptr);
    CPPUNIT_ASSERT(services.names_of("p") == std::set<std::string>{"five"});
  }

  void interface_and_name_are_taken_once() {
    ServiceRegistry services;
    CPPUNIT_ASSERT(services.add("p", typeid(int), "five", std::make_shared<int>(5)).ok());
    const auto again = services.add("q", typeid(int), "five", std::make_shared<int>(5));
    CPPUNIT_ASSERT_EQUAL(std::string("cannot offer the service five: the plugin 'p' offers it already"),
                         again.error().message());
  }

  void withdrawing_lets_go_of_the_service() {
    ServiceRegistry services;
    const auto five = std::make_shared<int>(5);
    CPPUNIT_ASSERT(services.add("p", typeid(int), "five", five).ok());
    services.withdraw("p");
    CPPUNIT_ASSERT(services.find(typeid(int), "five") == nullptr);
    CPPUNIT_ASSERT_EQUAL(1L, five.use_count());
  }

  void a_plugin_offers_only_what_it_announced() {
    ServiceRegistry services;
    CommandTable commands;
    const SettingTable settings;
    const LayeredConfig config(settings, [](const std::string&) { return std::nullopt; }, {});
    PluginContext concrete("p", {"five"}, config, settings, commands, services);
    Context& context = concrete;
    CPPUNIT_ASSERT(context.add_service<int>("five", std::make_shared<int>(5)).ok());
    CPPUNIT_ASSERT_EQUAL(5, *context.service<int>("five"));
    CPPUNIT_ASSERT(context.add_service<int>("six", std::make_shared<int>(6)).error().code == Errc::refused);
  }
};

CPPUNIT_TEST_SUITE_NAMED_REGISTRATION(ServiceRegistryTest, "service_registry");

}  // namespace midair::host
