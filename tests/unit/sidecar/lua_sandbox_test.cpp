#include "hooks/lua_sandbox.h"

#include <Poco/JSON/Array.h>
#include <Poco/JSON/Object.h>
#include <cppunit/extensions/HelperMacros.h>

#include "hooks/lua_api.h"
#include "midair/json/json.h"
#include "result_asserts.h"
#include "scripted_peer.h"

namespace midair::sidecar {

namespace {

using Values = std::vector<Poco::Dynamic::Var>;

/// What `function hook(argument) ... end` with that body returns.
Result<std::optional<Values>> run(const std::string& body, const Values& arguments = {}) {
  static std::vector<std::string> logged;
  static const LuaApi api{[](const std::string& line) { logged.push_back(line); }, std::string("m1")};
  auto sandbox = value_of(LuaSandbox::create());
  register_lua_api(sandbox->state(), api);
  MIDAIR_TRY(sandbox->load("function hook(argument)\n" + body + "\nend", "test.lua"));
  return sandbox->call("hook", arguments);
}

std::string returned(const std::string& body, const Values& arguments = {}) {
  const auto values = value_of(run(body, arguments));
  return values.value().at(0).convert<std::string>();
}

}  // namespace

class LuaSandboxTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(LuaSandboxTest);
  CPPUNIT_TEST(calls_functions_with_values_both_ways);
  CPPUNIT_TEST(says_so_where_there_is_no_such_function);
  CPPUNIT_TEST(tells_errors_with_a_traceback);
  CPPUNIT_TEST(ends_loops_without_end);
  CPPUNIT_TEST(ends_loops_that_catch_errors);
  CPPUNIT_TEST(survives_memory_bombs);
  CPPUNIT_TEST(survives_deep_recursion);
  CPPUNIT_TEST(has_nothing_that_reaches_outside);
  CPPUNIT_TEST(refuses_bytecode);
  CPPUNIT_TEST(guards_what_all_strings_share);
  CPPUNIT_TEST(keeps_json_as_it_is);
  CPPUNIT_TEST(refuses_what_json_cannot_say);
  CPPUNIT_TEST(asks_over_http_only_on_this_machine);
  CPPUNIT_TEST(takes_only_whole_answers);
  CPPUNIT_TEST(does_not_wait_for_a_server_that_drips);
  CPPUNIT_TEST_SUITE_END();

  void calls_functions_with_values_both_ways() {
    CPPUNIT_ASSERT_EQUAL(std::string("42"), returned("return argument + 1", {41}));
    CPPUNIT_ASSERT_EQUAL(std::string("m1 x"), returned("return midair.machine .. ' ' .. argument", {std::string("x")}));
    CPPUNIT_ASSERT(value_of(run("return")).value().empty());
    CPPUNIT_ASSERT_EQUAL(std::size_t{2}, value_of(run("return false, 'why'")).value().size());
  }

  void says_so_where_there_is_no_such_function() {
    auto sandbox = value_of(LuaSandbox::create());
    CPPUNIT_ASSERT(sandbox->load("accept = 1", "test.lua").ok());
    CPPUNIT_ASSERT(!value_of(sandbox->call("accept", {})));
    CPPUNIT_ASSERT(!value_of(sandbox->call("migrate", {})));
  }

  void tells_errors_with_a_traceback() {
    assert_fails(run("local x = nil\nreturn x.y"), Errc::refused, "test.lua:3: attempt to index a nil value");
    assert_fails(run("error('no')"), Errc::refused, "stack traceback");
    assert_fails(run("error({})"), Errc::refused, "table");
    auto sandbox = value_of(LuaSandbox::create());
    assert_fails(sandbox->load("function f(", "broken.lua"), Errc::refused, "broken.lua:1:");
  }

  void ends_loops_without_end() { assert_fails(run("while true do end"), Errc::refused, "million instructions"); }

  void ends_loops_that_catch_errors() {
    assert_fails(run("while true do pcall(function() while true do end end) end"), Errc::refused,
                 "million instructions");
  }

  void survives_memory_bombs() {
    assert_fails(run("local t = {} while true do t[#t + 1] = ('x'):rep(100000) .. #t end"), Errc::refused,
                 "not enough memory");
    assert_fails(run("return ('x'):rep(1 << 40)"), Errc::refused, "");
  }

  void survives_deep_recursion() {
    assert_fails(run("local function f() return 1 + f() end return f()"), Errc::refused, "");
    assert_fails(run("return (('('):rep(10000) .. (')'):rep(10000)):find((('('):rep(33)))"), Errc::refused, "");
  }

  void has_nothing_that_reaches_outside() {
    for (const char* name : {"io", "os", "package", "debug", "coroutine", "require", "load", "loadfile", "dofile",
                             "collectgarbage", "string.dump"})
      CPPUNIT_ASSERT_EQUAL_MESSAGE(name, std::string("nil"), returned("return type(" + std::string(name) + ")"));
  }

  void refuses_bytecode() {
    auto sandbox = value_of(LuaSandbox::create());
    assert_fails(sandbox->load("\x1bLua", "test.lua"), Errc::refused, "binary chunk");
  }

  void guards_what_all_strings_share() {
    CPPUNIT_ASSERT_EQUAL(std::string("false"), returned("return tostring(getmetatable(''))"));
    assert_fails(run("setmetatable('', {})"), Errc::refused, "table expected");
  }

  void keeps_json_as_it_is() {
    for (const std::string text :
         {R"({"a":[],"b":{},"c":[1,2.5,"x",true,null],"d":9007199254740991})", R"({"n":-1})"}) {
      const auto parsed = value_of(parse_json_object(text, "test", 1000));
      const auto back = value_of(run("return argument", {parsed})).value().at(0);
      CPPUNIT_ASSERT_EQUAL(text, to_canonical_json(*back.extract<Poco::JSON::Object::Ptr>()));
    }
    CPPUNIT_ASSERT_EQUAL(std::string(R"({"a":[1]})"),
                         returned(R"(return midair.json.encode(midair.json.decode('{"a":[1]}')))"));
    CPPUNIT_ASSERT_EQUAL(std::string("true"),
                         returned("return tostring(midair.json.decode('[null]')[1] == midair.json.null)"));
  }

  void refuses_what_json_cannot_say() {
    assert_fails(run("return print"), Errc::refused, "function");
    assert_fails(run("return 0/0"), Errc::refused, "not finite");
    assert_fails(run("return {[true] = 1}"), Errc::refused, "no text");
    assert_fails(run("local t = {} t.t = t return t"), Errc::refused, "nested");
    assert_fails(run("return midair.json.decode('{')"), Errc::refused, "test.lua");
    assert_fails(run("return midair.json.decode(('['):rep(1000))"), Errc::refused, "");
    for (const char* text :
         {"[18446744073709551618]", "[9007199254740992]", "{\"a\":1,\"a\":2}", "[1] 2", "[\"\xff\"]"})
      assert_fails(run("return midair.json.decode('" + std::string(text) + "')"), Errc::refused, "the text");
  }

  void asks_over_http_only_on_this_machine() {
    for (const char* url : {"http://example.com/", "http://10.0.0.1/", "https://127.0.0.1/", "file:///etc/passwd",
                            "http://127.0.0.1.example.com/"})
      assert_fails(run("return midair.http.get('" + std::string(url) + "')"), Errc::refused, "only");
    const auto values = value_of(run("return midair.http.get('http://127.0.0.1:1/')")).value();
    CPPUNIT_ASSERT(values.at(0).isEmpty() && values.at(1).isString());
  }

  static std::string asked(const ScriptedPeer::Script& script, const std::string& target = "/") {
    ScriptedPeer peer({script});
    return returned("local answer, why = midair.http.get('" + peer.endpoint() + target +
                    "')\nreturn answer and answer.status .. ' ' .. answer.body or why");
  }

  void takes_only_whole_answers() {
    using Then = ScriptedPeer::Then;
    CPPUNIT_ASSERT_EQUAL(std::string("404 none"), asked(ScriptedPeer::answer("404 No", "none")));
    const auto echo = [](Poco::Net::StreamSocket& socket, const PeerRequest& request) {
      return ScriptedPeer::answer("200 OK", request.uri)(socket, request);
    };
    CPPUNIT_ASSERT_EQUAL(std::string("200 /a?b=c"), asked(echo, "/a?b=c#d"));
    CPPUNIT_ASSERT_EQUAL(std::string("200 /?b"), asked(echo, "?b"));
    const std::string ok = "HTTP/1.1 200 OK\r\n";
    for (const std::string& bytes :
         {ok + "Content-Length: 4\r\n\r\nabc", ok + "Transfer-Encoding: chunked\r\n\r\n3\r\nabc",
          ok + "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabc"})
      CPPUNIT_ASSERT_MESSAGE(bytes, asked(ScriptedPeer::raw(bytes, Then::close)).starts_with("cannot "));
    CPPUNIT_ASSERT(asked(ScriptedPeer::answer("200 OK", std::string((1 << 20) + 1, 'x'))).starts_with("cannot "));
  }

  void does_not_wait_for_a_server_that_drips() {
    const auto start = std::chrono::steady_clock::now();
    const std::string drip = "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n";
    CPPUNIT_ASSERT(asked(ScriptedPeer::trickle(drip, 'x')).find("the deadline of the whole call passed") !=
                   std::string::npos);
    CPPUNIT_ASSERT(std::chrono::steady_clock::now() - start < std::chrono::seconds(10));
  }
};

CPPUNIT_TEST_SUITE_NAMED_REGISTRATION(LuaSandboxTest, "lua_sandbox");

}  // namespace midair::sidecar
