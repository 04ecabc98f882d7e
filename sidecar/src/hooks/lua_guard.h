/// @file
/// The seam between C++ exceptions and Lua errors.
#pragma once

#include <exception>
#include <lua.hpp>
#include <new>
#include <stdexcept>

namespace midair::sidecar {

/// What a script did wrong, thrown in C++ below guarded().
class LuaProblem : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Runs `body` for a function that Lua calls: an exception becomes a Lua error. We link the Lua that was built as C++:
/// its own errors are exceptions too (not of std), which pass through here and unwind what lies between.
template <class Body>
int guarded(lua_State* lua, Body body) {
  try {
    return body();
  } catch (const std::bad_alloc&) {
    lua_pushliteral(lua, "not enough memory");  // as Lua itself says it
  } catch (const std::exception& error) {
    lua_pushstring(lua, error.what());
  }
  return lua_error(lua);
}

}  // namespace midair::sidecar
