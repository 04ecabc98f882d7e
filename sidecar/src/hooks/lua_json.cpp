#include "hooks/lua_json.h"

#include <Poco/JSON/Array.h>
#include <Poco/JSON/Object.h>
#include <Poco/JSON/ParseHandler.h>
#include <Poco/JSON/Stringifier.h>

#include <cmath>
#include <sstream>
#include <string>

#include "hooks/lua_guard.h"
#include "midair/json/strict_json.h"

namespace midair::sidecar {

namespace {

using Poco::Dynamic::Var;
using Poco::JSON::Array;
using Poco::JSON::Object;

/// As the strict parser allows.
constexpr int kMaxDepth = 32;

/// The metatable that tells an array from an object where the table is empty.
constexpr const char* kArray = "midair.array";
/// The registry key of the one value that stands for null.
constexpr const char* kNull = "midair.null";

void push_null(lua_State* lua) { lua_getfield(lua, LUA_REGISTRYINDEX, kNull); }

bool is_null(lua_State* lua, int index) {
  push_null(lua);
  const bool same = lua_rawequal(lua, -1, index) != 0;
  lua_pop(lua, 1);
  return same;
}

void push(lua_State* lua, const Var& value, int depth) {
  if (depth > kMaxDepth) throw LuaProblem("JSON is nested deeper than 32");
  luaL_checkstack(lua, 4, "JSON is nested too deeply");
  if (value.isEmpty()) return push_null(lua);
  if (value.type() == typeid(Object::Ptr)) {
    const auto& object = value.extract<Object::Ptr>();
    lua_createtable(lua, 0, static_cast<int>(object->size()));
    for (const auto& [key, element] : *object) {
      lua_pushlstring(lua, key.data(), key.size());
      push(lua, element, depth + 1);
      lua_rawset(lua, -3);
    }
    return;
  }
  if (value.type() == typeid(Array::Ptr)) {
    const auto& array = value.extract<Array::Ptr>();
    lua_createtable(lua, static_cast<int>(array->size()), 0);
    luaL_setmetatable(lua, kArray);
    for (std::size_t i = 0; i < array->size(); ++i) {
      push(lua, array->get(static_cast<unsigned>(i)), depth + 1);
      lua_rawseti(lua, -2, static_cast<lua_Integer>(i) + 1);
    }
    return;
  }
  if (value.isBoolean()) return lua_pushboolean(lua, value.convert<bool>() ? 1 : 0);
  if (value.isInteger()) return lua_pushinteger(lua, value.convert<Poco::Int64>());
  if (value.isNumeric()) return lua_pushnumber(lua, value.convert<double>());
  const auto text = value.convert<std::string>();
  lua_pushlstring(lua, text.data(), text.size());
}

/// How many elements the array has that the table at `table` is; -1 if it is an object.
lua_Integer array_size(lua_State* lua, int table) {
  lua_Integer count = 0;
  lua_Integer highest = 0;
  for (lua_pushnil(lua); lua_next(lua, table) != 0; lua_pop(lua, 1)) {
    if (!lua_isinteger(lua, -2) || lua_tointeger(lua, -2) < 1) {
      lua_pop(lua, 2);
      return -1;
    }
    ++count;
    highest = std::max(highest, lua_tointeger(lua, -2));
  }
  if (count == 0) {
    const bool was_array = lua_getmetatable(lua, table) != 0;
    if (was_array) lua_pop(lua, 1);
    return was_array ? 0 : -1;
  }
  return count == highest ? count : -1;
}

Var read(lua_State* lua, int index, int depth);

Var read_table(lua_State* lua, int table, int depth) {
  luaL_checkstack(lua, 4, "the table is nested too deeply");
  if (const lua_Integer size = array_size(lua, table); size >= 0) {
    Array::Ptr array = new Array;
    for (lua_Integer i = 1; i <= size; ++i) {
      lua_rawgeti(lua, table, i);
      array->add(read(lua, lua_gettop(lua), depth + 1));
      lua_pop(lua, 1);
    }
    return array;
  }
  Object::Ptr object = new Object;
  for (lua_pushnil(lua); lua_next(lua, table) != 0; lua_pop(lua, 1)) {
    if (lua_type(lua, -2) != LUA_TSTRING) throw LuaProblem("a key of an object is no text");
    std::size_t length = 0;
    const char* key = lua_tolstring(lua, -2, &length);
    object->set(std::string(key, length), read(lua, lua_gettop(lua), depth + 1));
  }
  return object;
}

Var read(lua_State* lua, int index, int depth) {
  if (depth > kMaxDepth) throw LuaProblem("the table is nested deeper than 32, or contains itself");
  switch (lua_type(lua, index)) {
    case LUA_TNIL: return {};
    case LUA_TBOOLEAN: return Var(lua_toboolean(lua, index) != 0);
    case LUA_TNUMBER: {
      if (lua_isinteger(lua, index)) return Var(static_cast<Poco::Int64>(lua_tointeger(lua, index)));
      const double number = lua_tonumber(lua, index);
      if (!std::isfinite(number)) throw LuaProblem("JSON has no number that is not finite");
      return Var(number);
    }
    case LUA_TSTRING: {
      std::size_t length = 0;
      const char* text = lua_tolstring(lua, index, &length);
      return Var(std::string(text, length));
    }
    case LUA_TTABLE: return read_table(lua, index, depth);
    default:
      if (is_null(lua, index)) return {};
      throw LuaProblem(std::string("JSON can't say a ") + luaL_typename(lua, index));
  }
}

int decode(lua_State* lua) {
  return guarded(lua, [lua] {
    std::size_t length = 0;
    const char* text = luaL_checklstring(lua, 1, &length);
    Poco::JSON::ParseHandler tree;
    const auto parsed = parse_json_strictly({text, length}, "the text", length, tree);
    if (!parsed.ok()) throw LuaProblem(parsed.error().message());
    push_json(lua, tree.asVar());
    return 1;
  });
}

int encode(lua_State* lua) {
  return guarded(lua, [lua] {
    std::ostringstream text;
    Poco::JSON::Stringifier::stringify(to_json(lua, 1), text);
    const std::string json = text.str();
    lua_pushlstring(lua, json.data(), json.size());
    return 1;
  });
}

}  // namespace

void push_json(lua_State* lua, const Var& value) { push(lua, value, 0); }

Var to_json(lua_State* lua, int index) { return read(lua, lua_absindex(lua, index), 0); }

void push_json_library(lua_State* lua) {
  luaL_newmetatable(lua, kArray);
  lua_pushboolean(lua, 0);
  lua_setfield(lua, -2, "__metatable");
  lua_pop(lua, 1);
  lua_newuserdatauv(lua, 0, 0);
  lua_setfield(lua, LUA_REGISTRYINDEX, kNull);

  lua_createtable(lua, 0, 3);
  lua_pushcfunction(lua, decode);
  lua_setfield(lua, -2, "decode");
  lua_pushcfunction(lua, encode);
  lua_setfield(lua, -2, "encode");
  push_null(lua);
  lua_setfield(lua, -2, "null");
}

}  // namespace midair::sidecar
