#include "hooks/lua_api.h"

#include <Poco/Net/HTTPClientSession.h>
#include <Poco/Net/HTTPRequest.h>
#include <Poco/Net/HTTPResponse.h>
#include <Poco/Timespan.h>
#include <Poco/URI.h>

#include <algorithm>
#include <array>
#include <chrono>

#include "hooks/lua_guard.h"
#include "hooks/lua_json.h"

namespace midair::sidecar {

namespace {

constexpr std::size_t kMaxBody = 1024 * 1024;
constexpr long kHttpTimeoutMs = 1000;

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

/// The body, up to kMaxBody bytes.
std::string read_body(std::istream& stream) {
  std::string body;
  std::array<char, 16384> chunk{};
  while (body.size() < kMaxBody && stream.read(chunk.data(), chunk.size()).gcount() > 0)
    body.append(chunk.data(), static_cast<std::size_t>(stream.gcount()));
  body.resize(std::min(body.size(), kMaxBody));
  return body;
}

/// midair.http.get(url) -> {status=, body=}, or nil and why. To this machine only, as it is asked on behalf of it.
int http_get(lua_State* lua) {
  return guarded(lua, [lua] {
    const Poco::URI uri(luaL_checkstring(lua, 1));
    const std::string& host = uri.getHost();
    if (uri.getScheme() != "http" || (host != "127.0.0.1" && host != "::1" && host != "localhost"))
      throw LuaProblem("midair.http.get asks at http://127.0.0.1:PORT/ only");
    try {
      Poco::Net::HTTPClientSession session(host == "localhost" ? "127.0.0.1" : host, uri.getPort());
      session.setTimeout(Poco::Timespan(kHttpTimeoutMs * Poco::Timespan::MILLISECONDS));
      const std::string path = uri.getPathAndQuery();
      Poco::Net::HTTPRequest request("GET", path.empty() ? "/" : path, Poco::Net::HTTPMessage::HTTP_1_1);
      request.set("User-Agent", "midair-sidecar");
      session.sendRequest(request);
      Poco::Net::HTTPResponse response;
      const std::string body = read_body(session.receiveResponse(response));
      lua_createtable(lua, 0, 2);
      lua_pushinteger(lua, response.getStatus());
      lua_setfield(lua, -2, "status");
      lua_pushlstring(lua, body.data(), body.size());
      lua_setfield(lua, -2, "body");
      return 1;
    } catch (const Poco::Exception& error) {
      lua_pushnil(lua);
      lua_pushstring(lua, error.displayText().c_str());
      return 2;
    }
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
