/// @file
/// The table `midair` that a hook finds.
#pragma once

#include <Poco/Dynamic/Var.h>

#include <functional>
#include <lua.hpp>
#include <string>

namespace midair::sidecar {

/// What a hook may do. sidecar/README.md lists it for its users.
struct LuaApi {
  std::function<void(const std::string& text)> log;
  Poco::Dynamic::Var machine;
};

/// Defines the global `midair`, and `print` as midair.log. `api` must outlive the state.
void register_lua_api(lua_State* lua, const LuaApi& api);

}  // namespace midair::sidecar
