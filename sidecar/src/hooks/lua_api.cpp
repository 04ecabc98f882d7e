#include "hooks/lua_api.h"

#include <chrono>
#include <memory>
#include <string_view>

#include "hooks/lua_guard.h"
#include "hooks/lua_json.h"
#include "midair/net/http_client.h"
#include "midair/net/url_text.h"

namespace midair::sidecar {

namespace {

constexpr std::uint64_t kMaxBody = 1024 * 1024;
constexpr std::chrono::seconds kHttpDeadline{1};  ///< for the whole of a request, so that a server that drips ends too

int log_line(lua_State* lua) {
  const auto* api = static_cast<const LuaApi*>(lua_touserdata(lua, lua_upvalueindex(1)));
  std::string line;
  for (int i = 1; i <= lua_gettop(lua); ++i) {
    std::size_t length = 0;
    const char* text = luaL_tolstring(lua, i, &length);
    if (i > 1) line += ' ';
    line.append(text, length);
    lua_pop(lua, 1);
  }
  return guarded(lua, [api, &line] {
    api->log(line);
    return 0;
  });
}

int now(lua_State* lua) {
  const auto since_epoch = std::chrono::system_clock::now().time_since_epoch();
  lua_pushnumber(lua, std::chrono::duration<double>(since_epoch).count());
  return 1;
}

Result<HttpAnswer> get_here(std::string_view url) {
  const CallTimer timer({.deadline = kHttpDeadline});
  const auto path_start = std::min(url.find_first_of("/?", url.find("://") + 3), url.size());
  const std::string_view address = url.substr(0, path_start);
  const auto server = parse_http_url(address);
  const bool is_here = server && (server->host == "127.0.0.1" || server->host == "::1" || server->host == "localhost");
  if (!is_here || server->scheme != "http") throw LuaProblem("midair.http.get asks at http://127.0.0.1:PORT/ only");

  HttpUrl numeric = *server;  // no name is looked up: a thread would be needed for that
  if (numeric.host == "localhost") numeric.host = "127.0.0.1";
  MIDAIR_TRY_ASSIGN(const auto client, HttpClient::open("http://" + numeric.authority(), ""));
  const std::string_view target = url.substr(path_start, url.find('#') - path_start);
  return client->send({"GET", target.starts_with('/') ? std::string(target) : "/" + std::string(target)}, kMaxBody,
                      timer);
}

/// midair.http.get(url) -> {status=, body=}, or nil and why. To this machine only, as it is asked on behalf of it.
int http_get(lua_State* lua) {
  return guarded(lua, [lua] {
    const auto answer = get_here(luaL_checkstring(lua, 1));
    if (!answer) {
      lua_pushnil(lua);
      lua_pushstring(lua, answer.error().message().c_str());
      return 2;
    }
    lua_createtable(lua, 0, 2);
    lua_pushinteger(lua, answer->status);
    lua_setfield(lua, -2, "status");
    lua_pushlstring(lua, answer->body.data(), answer->body.size());
    lua_setfield(lua, -2, "body");
    return 1;
  });
}

}  // namespace

void register_lua_api(lua_State* lua, const LuaApi& api) {
  lua_createtable(lua, 0, 5);
  lua_pushlightuserdata(lua, const_cast<LuaApi*>(&api));
  lua_pushcclosure(lua, log_line, 1);
  lua_pushvalue(lua, -1);
  lua_setglobal(lua, "print");
  lua_setfield(lua, -2, "log");
  lua_pushcfunction(lua, now);
  lua_setfield(lua, -2, "now");
  push_json_library(lua);
  lua_setfield(lua, -2, "json");
  lua_createtable(lua, 0, 1);
  lua_pushcfunction(lua, http_get);
  lua_setfield(lua, -2, "get");
  lua_setfield(lua, -2, "http");
  push_json(lua, api.machine);
  lua_setfield(lua, -2, "machine");
  lua_setglobal(lua, "midair");
}

}  // namespace midair::sidecar
