/// @file
/// JSON values in Lua: objects and arrays are tables, null is `midair.json.null`.
#pragma once

#include <Poco/Dynamic/Var.h>

#include <lua.hpp>

namespace midair::sidecar {

/// Pushes the value. Numbers stay integers where they are. Raises a Lua error if it is nested deeper than 64.
void push_json(lua_State* lua, const Poco::Dynamic::Var& value);

/// The value at `index`. A table is an array if its keys are just 1..n with n > 0 or if it was an array before, else
/// an object. Raises a Lua error for what JSON can't say: functions, NaN, keys that are no text, nesting beyond 64.
[[nodiscard]] Poco::Dynamic::Var to_json(lua_State* lua, int index);

/// Registers the table `midair.json` (decode, encode, null) on the top of the stack.
void push_json_library(lua_State* lua);

}  // namespace midair::sidecar
