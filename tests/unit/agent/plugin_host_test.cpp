#include "host/plugin_host.h"

#include <cppunit/extensions/HelperMacros.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <sstream>

#include "config/config.h"
#include "host/plugin_file.h"
#include "plugins/fixture.h"
#include "temp_dir.h"

namespace midair::host {

namespace fs = std::filesystem;

namespace {

/// A host over a directory with chosen fixture plugins.
class World {
 public:
  explicit World(const std::vector<std::string>& names) {
    for (const auto& name : names) fs::copy_file(fs::path(MIDAIR_TEST_PLUGINS) / (name + ".so"), dir / (name + ".so"));
    ::setenv("MIDAIR_FIXTURE_DIARY", diary_path().c_str(), 1);
  }
  ~World() { ::unsetenv("MIDAIR_FIXTURE_DIARY"); }

  void start() {
    host.load({{dir.path()}, "/nonexistent"});
    host.start(config, {"store"});
  }

  [[nodiscard]] PluginStatus plugin(const std::string& name) const {
    const auto all = host.plugins();
    const auto found = std::find_if(all.begin(), all.end(), [&](const auto& plugin) {
      return plugin.name == name || fs::path(plugin.path).stem() == name;
    });
    CPPUNIT_ASSERT_MESSAGE(name, found != all.end());
    return *found;
  }

  void expect_refused(const std::string& name, const std::string& why) const {
    const auto status = plugin(name);
    CPPUNIT_ASSERT_EQUAL_MESSAGE(name, std::string("refused"), std::string(to_string(status.state)));
    CPPUNIT_ASSERT_MESSAGE(status.reason, status.reason.find(why) != std::string::npos);
  }

  void expect_started(const std::string& name) const {
    const auto status = plugin(name);
    CPPUNIT_ASSERT_EQUAL_MESSAGE(status.reason, std::string("started"), std::string(to_string(status.state)));
  }

  [[nodiscard]] std::string diary() const {
    std::ostringstream text;
    text << std::ifstream(diary_path()).rdbuf();
    return text.str();
  }

  TempDir dir;
  ServiceRegistry services;
  CommandTable commands;
  SettingTable settings;
  LayeredConfig config{settings, [](const std::string&) { return std::nullopt; }, {}};
  PluginHost host{{services, commands, settings}, std::chrono::milliseconds(50)};

 private:
  [[nodiscard]] std::string diary_path() const { return dir / "diary"; }
};

}  // namespace

class PluginHostTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(PluginHostTest);
  CPPUNIT_TEST(a_good_plugin_contributes_commands_services_and_settings);
  CPPUNIT_TEST(plugins_start_in_order_of_need_and_stop_in_reverse);
  CPPUNIT_TEST(a_plugin_of_another_abi_is_never_run);
  CPPUNIT_TEST(a_bad_plugin_is_refused_and_harms_nobody);
  CPPUNIT_TEST(a_name_is_taken_once_by_the_first_directory);
  CPPUNIT_TEST(what_a_failed_start_contributed_is_withdrawn);
  CPPUNIT_TEST(a_plugin_that_hangs_in_stop_is_left_behind);
  CPPUNIT_TEST(a_directory_that_others_may_write_is_refused);
  CPPUNIT_TEST(what_a_link_leads_to_must_be_of_root_or_the_caller);
  CPPUNIT_TEST(what_belongs_to_others_is_refused);
  CPPUNIT_TEST(a_named_directory_must_be_there);
  CPPUNIT_TEST_SUITE_END();

  void a_good_plugin_contributes_commands_services_and_settings() {
    World world({"good"});
    world.start();
    world.expect_started("good");
    CPPUNIT_ASSERT(world.commands.find("greet") != nullptr);
    CPPUNIT_ASSERT(world.services.find(typeid(Greeter), kGreeter) != nullptr);
    CPPUNIT_ASSERT(world.settings.find("good.greeting") != nullptr);
    world.host.stop();
    CPPUNIT_ASSERT(world.commands.find("greet") == nullptr);
    CPPUNIT_ASSERT(world.services.find(typeid(Greeter), kGreeter) == nullptr);
    CPPUNIT_ASSERT(!world.host.abandoned());
  }

  void plugins_start_in_order_of_need_and_stop_in_reverse() {
    World world({"good", "needs_good"});
    fs::rename(world.dir / "needs_good.so", world.dir / "a_needs_good.so");  // so that the file's name can't do it
    world.start();
    world.host.stop();
    CPPUNIT_ASSERT_EQUAL(std::string("start good\nstart needs-good\nstop needs-good\nstop good\n"), world.diary());
  }

  void a_plugin_of_another_abi_is_never_run() {
    World world({"wrong_abi", "good"});
    world.start();
    world.expect_refused("wrong_abi",
                         std::string("built for plugin ABI 999, this midair has ") + std::to_string(kPluginAbi));
    world.expect_started("good");
  }

  void a_bad_plugin_is_refused_and_harms_nobody() {
    World world({"good", "missing_symbol", "throws_in_start", "fails_in_start", "needs_failed", "unmet_dependency",
                 "cycle_a", "cycle_b", "broken_promise"});
    std::ofstream(world.dir / "text.so") << "this is no library";
    world.start();
    world.expect_started("good");
    world.expect_refused("missing_symbol", "undefined symbol: midair_fixture_missing_function");
    world.expect_refused("throws-in-start", "it threw: no matches left");
    world.expect_refused("fails-in-start", "cannot reach the moon: it is cloudy");
    world.expect_refused("needs-failed", "it needs the service 'failed', whose plugin was refused");
    world.expect_refused("unmet-dependency", "it needs the service 'nowhere', which no plugin provides");
    world.expect_refused("cycle-a", "cycle-a -> cycle-b -> cycle-a");
    world.expect_refused("cycle-b", "cycle-a -> cycle-b -> cycle-a");
    world.expect_refused("broken-promise", "it announces the service 'promise' but doesn't offer it");
    world.expect_refused("text", "no ELF file");
  }

  void a_name_is_taken_once_by_the_first_directory() {
    World first({"name_taken"});
    const World second({"good"});
    first.host.load({{first.dir.path(), second.dir.path(), first.dir.path()}, "/nonexistent"});
    first.host.start(first.config, {});
    CPPUNIT_ASSERT_EQUAL(std::size_t{2}, first.host.plugins().size());
    first.expect_started("name_taken");
    CPPUNIT_ASSERT(first.host.plugins()[1].reason.find("its name 'good' is taken by") != std::string::npos);
    CPPUNIT_ASSERT(first.commands.find("greet") == nullptr);
  }

  void what_a_failed_start_contributed_is_withdrawn() {
    World world({"throws_in_start"});
    world.start();
    CPPUNIT_ASSERT(world.commands.find("leftover") == nullptr);
  }

  void a_plugin_that_hangs_in_stop_is_left_behind() {
    World world({"good", "slow_stop"});
    world.start();
    world.host.stop();
    CPPUNIT_ASSERT(world.host.abandoned());
    CPPUNIT_ASSERT_EQUAL(std::string("start good\nstop slow-stop\nstop good\n"), world.diary());
  }

  void a_directory_that_others_may_write_is_refused() {
    World world({"good"});
    CPPUNIT_ASSERT_EQUAL(0, ::chmod(world.dir.path().c_str(), 0777));
    world.start();
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, world.host.plugins().size());
    CPPUNIT_ASSERT(world.host.plugins()[0].reason.find("everybody may write it") != std::string::npos);

    World file({"good"});
    CPPUNIT_ASSERT_EQUAL(0, ::chmod((file.dir / "good.so").c_str(), 0666));
    file.start();
    file.expect_refused("good", "everybody may write it");
  }

  void what_a_link_leads_to_must_be_of_root_or_the_caller() {
    const TempDir elsewhere;
    World world({"good"});
    fs::rename(world.dir / "good.so", elsewhere / "good.so");
    fs::create_symlink(elsewhere / "good.so", world.dir / "good.so");
    CPPUNIT_ASSERT_EQUAL(0, ::chmod(elsewhere.path().c_str(), 0777));
    CPPUNIT_ASSERT(check_trusted(world.dir / "good.so").error().cause.find("everybody may write it") == 0);
    CPPUNIT_ASSERT_EQUAL(0, ::chmod(elsewhere.path().c_str(), 01777));
    CPPUNIT_ASSERT(check_trusted(world.dir / "good.so").ok());
    CPPUNIT_ASSERT_EQUAL(0, ::chmod((elsewhere / "good.so").c_str(), 0666));
    CPPUNIT_ASSERT(!check_trusted(world.dir / "good.so").ok());
    fs::create_symlink("circle.so", world.dir / "circle.so");
    CPPUNIT_ASSERT_EQUAL(ELOOP, check_trusted(world.dir / "circle.so").error().sys);
  }

  void what_belongs_to_others_is_refused() {
    if (::geteuid() != 0) return;  // only root can give a file away
    World world({"good"});
    const std::string file = world.dir / "good.so";
    CPPUNIT_ASSERT_EQUAL(0, ::chmod(file.c_str(), 0775));
    CPPUNIT_ASSERT(check_trusted(file).ok());
    CPPUNIT_ASSERT_EQUAL(0, ::chown(file.c_str(), 0, 12345));
    CPPUNIT_ASSERT(check_trusted(file).error().cause.starts_with("its group may write it"));
    CPPUNIT_ASSERT_EQUAL(0, ::chmod(file.c_str(), 0755));
    CPPUNIT_ASSERT_EQUAL(0, ::chown(file.c_str(), 12345, 0));
    CPPUNIT_ASSERT(check_trusted(file).error().cause.starts_with("it belongs to user 12345"));
    CPPUNIT_ASSERT_EQUAL(0, ::chown(file.c_str(), 0, 0));
    CPPUNIT_ASSERT_EQUAL(0, ::chown(world.dir.path().c_str(), 12345, 0));
    CPPUNIT_ASSERT(!check_trusted(file).ok());
  }

  void a_named_directory_must_be_there() {
    World world({});
    world.host.load({{world.dir / "missing"}, "/nonexistent"});
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, world.host.plugins().size());
    CPPUNIT_ASSERT_EQUAL(std::string("No such file or directory"), world.host.plugins()[0].reason);
  }
};

CPPUNIT_TEST_SUITE_NAMED_REGISTRATION(PluginHostTest, "plugin_host");

}  // namespace midair::host
