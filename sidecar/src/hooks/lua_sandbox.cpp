#include "hooks/lua_sandbox.h"

#include <array>
#include <cstdlib>

#include "hooks/lua_guard.h"
#include "hooks/lua_json.h"

namespace midair::sidecar {

namespace {

constexpr int kMillion = 1'000'000;

int with_traceback(lua_State* lua) {
  luaL_traceback(lua, lua, luaL_tolstring(lua, 1, nullptr), 1);
  return 1;
}

void open_libraries(lua_State* lua) {
  const std::array<luaL_Reg, 5> libraries{{{LUA_GNAME, luaopen_base},
                                           {LUA_TABLIBNAME, luaopen_table},
                                           {LUA_STRLIBNAME, luaopen_string},
                                           {LUA_MATHLIBNAME, luaopen_math},
                                           {LUA_UTF8LIBNAME, luaopen_utf8}}};
  for (const luaL_Reg& library : libraries) {
    luaL_requiref(lua, library.name, library.func, 1);
    lua_pop(lua, 1);
  }
  for (const char* name : {"load", "loadfile", "dofile", "collectgarbage", "print"}) {
    lua_pushnil(lua);
    lua_setglobal(lua, name);
  }
  lua_getglobal(lua, LUA_STRLIBNAME);
  lua_pushnil(lua);
  lua_setfield(lua, -2, "dump");
  lua_pop(lua, 1);
  // All strings share one metatable: nobody gets hold of it.
  lua_pushliteral(lua, "");
  if (lua_getmetatable(lua, -1) != 0) {
    lua_pushboolean(lua, 0);
    lua_setfield(lua, -2, "__metatable");
    lua_pop(lua, 1);
  }
  lua_pop(lua, 1);
}

}  // namespace

Result<std::unique_ptr<LuaSandbox>> LuaSandbox::create() {
  std::unique_ptr<LuaSandbox> sandbox(new LuaSandbox);
  sandbox->lua_ = lua_newstate(allocate, sandbox.get());
  if (sandbox->lua_ == nullptr) return Error{Errc::no_space, "start", "Lua", "there is no memory for it"};
  *static_cast<LuaSandbox**>(lua_getextraspace(sandbox->lua_)) = sandbox.get();
  open_libraries(sandbox->lua_);
  lua_sethook(sandbox->lua_, count, LUA_MASKCOUNT, kMillion);
  return sandbox;
}

LuaSandbox::~LuaSandbox() {
  if (lua_ != nullptr) lua_close(lua_);
}

void* LuaSandbox::allocate(void* sandbox, void* block, std::size_t old_size, std::size_t new_size) {
  auto& used = static_cast<LuaSandbox*>(sandbox)->used_;
  const std::size_t old = block == nullptr ? 0 : old_size;  // else it tells the kind of object
  if (new_size == 0) {
    std::free(block);
    used -= old;
    return nullptr;
  }
  if (new_size > old && used - old + new_size > kMaxMemory) return nullptr;
  void* moved = std::realloc(block, new_size);
  if (moved != nullptr) used += new_size - old;
  return moved;
}

void LuaSandbox::count(lua_State* lua, lua_Debug*) {
  auto* sandbox = *static_cast<LuaSandbox**>(lua_getextraspace(lua));
  if (++sandbox->millions_ <= kMaxMillionInstructions) return;
  lua_sethook(lua, count, LUA_MASKCOUNT, 1);  // from now on every instruction fails, those of a pcall too
  luaL_error(lua, "it ran for more than %d million instructions", kMaxMillionInstructions);
}

Result<void> LuaSandbox::load(const std::string& chunk, const std::string& name) {
  return protect(name, [&] {
    if (luaL_loadbufferx(lua_, chunk.data(), chunk.size(), ("@" + name).c_str(), "t") != LUA_OK) lua_error(lua_);
    lua_call(lua_, 0, 0);
  });
}

bool LuaSandbox::defines(const std::string& function) const {
  const bool defined = lua_getglobal(lua_, function.c_str()) == LUA_TFUNCTION;
  lua_pop(lua_, 1);
  return defined;
}

Result<std::optional<std::vector<Poco::Dynamic::Var>>> LuaSandbox::call(
    const std::string& function, const std::vector<Poco::Dynamic::Var>& arguments) {
  std::optional<std::vector<Poco::Dynamic::Var>> returned;
  MIDAIR_TRY(protect(function, [&] {
    if (lua_getglobal(lua_, function.c_str()) != LUA_TFUNCTION) return;
    for (const auto& argument : arguments) push_json(lua_, argument);
    lua_call(lua_, static_cast<int>(arguments.size()), LUA_MULTRET);
    returned.emplace();
    for (int i = 1; i <= lua_gettop(lua_); ++i) returned->push_back(to_json(lua_, i));
  }));
  return returned;
}

Result<void> LuaSandbox::protect(const std::string& what, const std::function<void()>& body) {
  lua_settop(lua_, 0);
  lua_pushcfunction(lua_, with_traceback);
  lua_pushcfunction(lua_, [](lua_State* lua) {
    const auto* protected_body = static_cast<const std::function<void()>*>(lua_touserdata(lua, 1));
    lua_settop(lua, 0);
    return guarded(lua, [protected_body] {
      (*protected_body)();
      return 0;
    });
  });
  lua_pushlightuserdata(lua_, const_cast<std::function<void()>*>(&body));
  if (lua_pcall(lua_, 1, 0, 1) == LUA_OK) return {};
  const char* text = lua_tostring(lua_, -1);
  return Error{Errc::refused, "run the hook", what, text == nullptr ? "it failed without a word" : text};
}

}  // namespace midair::sidecar
