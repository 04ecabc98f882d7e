/// @file
/// An interpreter for scripts that are trusted with a decision, and with nothing else.
#pragma once

#include <Poco/Dynamic/Var.h>

#include <cstddef>
#include <functional>
#include <lua.hpp>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "midair/error.h"

namespace midair::sidecar {

/// One Lua 5.4 state with the libraries base (without load, loadfile, dofile, require and collectgarbage), table,
/// string, math and utf8; no io, os, package, debug, coroutine. It has a cap on memory and on instructions. Not
/// thread-safe; made for one run, in a process of its own: what these limits don't stop, that process's do.
class LuaSandbox {
 public:
  static constexpr std::size_t kMaxMemory = 64 * 1024 * 1024;  ///< bytes
  static constexpr int kMaxMillionInstructions = 200;

  /// Errc::no_space if there is no memory for it.
  [[nodiscard]] static Result<std::unique_ptr<LuaSandbox>> create();
  LuaSandbox(const LuaSandbox&) = delete;
  LuaSandbox& operator=(const LuaSandbox&) = delete;
  ~LuaSandbox();

  /// For registering functions before load().
  [[nodiscard]] lua_State* state() const { return lua_; }

  /// Compiles and runs a chunk of text (bytecode is refused), which defines global functions. `name` is for messages.
  [[nodiscard]] Result<void> load(const std::string& chunk, const std::string& name);

  /// True if there is such a global function.
  [[nodiscard]] bool defines(const std::string& function) const;

  /// Calls a global function. Nothing if there is none; else all that it returned. Errc::refused with a traceback if
  /// it raises an error or goes beyond a limit.
  [[nodiscard]] Result<std::optional<std::vector<Poco::Dynamic::Var>>> call(
      const std::string& function, const std::vector<Poco::Dynamic::Var>& arguments);

 private:
  LuaSandbox() = default;
  static void* allocate(void* sandbox, void* block, std::size_t old_size, std::size_t new_size);
  static void count(lua_State* lua, lua_Debug*);
  [[nodiscard]] Result<void> protect(const std::string& what, const std::function<void()>& body);

  std::size_t used_ = 0;
  int millions_ = 0;
  lua_State* lua_ = nullptr;
};

}  // namespace midair::sidecar
