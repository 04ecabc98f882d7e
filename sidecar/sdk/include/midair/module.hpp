/// @file
/// midair/module.h for C++20: a module is a class, its state an object of it, its failures are exceptions.
///
///     class Counter {
///      public:
///       static constexpr midair::ModuleInfo kInfo{.name = "counter", .version = "1.0", .schema = "counter/1"};
///       void export_state(std::size_t unit, midair::Output& out) const { out.write(&total_, sizeof total_); }
///       void import_state(std::string_view schema, std::size_t unit, std::string_view bytes);
///       int add(int n) { return total_ += n; }
///      private:
///       int total_ = 0;
///     };
///     MIDAIR_MODULE(Counter, midair::call<&Counter::add>("add"));
///
/// Members that the class may have besides, with the meaning that midair/module.h gives them: `static constexpr const
/// char* kImports[]` (ended by nullptr), units(), reserve(units), complete(units), downgrade(schema, unit, out),
/// suspend(deadline), resume(), health(). They throw what derives from std::exception when they fail. Not a word of
/// this leaves the module: it needs no library, and its exceptions stay inside.
#pragma once

#include <chrono>
#include <cstdio>
#include <cstring>
#include <exception>
#include <new>
#include <string_view>

#include "midair/module.h"

namespace midair {

/// What a module says of itself.
struct ModuleInfo {
  const char* name;
  const char* version;
  const char* schema = nullptr;
  std::uint32_t flags = 0;  ///< of midair_module_flags
};

/// Where a unit is written to.
class Output {
 public:
  explicit Output(midair_bytes& bytes) : bytes_(bytes) {}
  /// Gives memory of the state's own, which stays as it is until the state is resumed: nothing is copied.
  void lend(const void* data, std::size_t size) {
    bytes_.data = data;
    bytes_.size = size;
  }
  /// Memory of this size, once for a unit. Throws std::bad_alloc.
  void* room(std::size_t size) {
    void* const memory = bytes_.room(&bytes_, size);
    if (memory == nullptr) throw std::bad_alloc();
    return memory;
  }
  /// Writes the unit, as a whole, by copy.
  void write(const void* data, std::size_t size) { std::memcpy(room(size > 0 ? size : 1), data, bytes_.size = size); }

 private:
  midair_bytes& bytes_;
};

namespace module_detail {

template <auto Member>
struct Thunk;
template <class Class, class Result, class... Arguments, Result (Class::*Member)(Arguments...)>
struct Thunk<Member> {
  static Result call(void* self, Arguments... arguments) { return (static_cast<Class*>(self)->*Member)(arguments...); }
};
template <class Class, class Result, class... Arguments, Result (Class::*Member)(Arguments...) const>
struct Thunk<Member> {
  static Result call(void* self, Arguments... arguments) { return (static_cast<Class*>(self)->*Member)(arguments...); }
};

/// 0 if `function` returned; else what it threw is in `error`.
template <class Function>
int guarded(midair_error* error, Function function) noexcept {
  try {
    function();
    return 0;
  } catch (const std::exception& thrown) {
    std::snprintf(error->text, sizeof error->text, "%s", thrown.what());
  } catch (...) {
    std::snprintf(error->text, sizeof error->text, "it threw what is no std::exception");
  }
  return 1;
}

template <class Module>
struct Table {
  static Module& of(void* state) { return *static_cast<Module*>(state); }

  static int start(void** state, midair_error* error) {
    return guarded(error, [=] { *state = new Module; });
  }
  static void stop(void* state) { delete static_cast<Module*>(state); }
  static int suspend(void* state, std::uint32_t deadline_ms, midair_error* error) {
    return guarded(error, [=] { of(state).suspend(std::chrono::milliseconds(deadline_ms)); });
  }
  static int resume(void* state, midair_error* error) {
    return guarded(error, [=] { of(state).resume(); });
  }
  static std::size_t units(void* state) { return of(state).units(); }
  static int export_state(void* state, std::size_t unit, midair_bytes* out, midair_error* error) {
    return guarded(error, [=] {
      Output output(*out);
      of(state).export_state(unit, output);
    });
  }
  static int reserve(void* state, std::size_t units, midair_error* error) {
    return guarded(error, [=] { of(state).reserve(units); });
  }
  static int import_state(void* state, const char* schema, std::size_t unit, const void* data, std::size_t size,
                          midair_error* error) {
    return guarded(error, [=] {
      of(state).import_state(std::string_view(schema), unit, std::string_view(static_cast<const char*>(data), size));
    });
  }
  static int complete(void* state, std::size_t units, midair_error* error) {
    return guarded(error, [=] { of(state).complete(units); });
  }
  static int downgrade(void* state, const char* schema, std::size_t unit, midair_bytes* out, midair_error* error) {
    return guarded(error, [=] {
      Output output(*out);
      of(state).downgrade(std::string_view(schema), unit, output);
    });
  }
  static int health(void* state, midair_error* error) {
    return guarded(error, [=] { of(state).health(); });
  }

  static constexpr midair_module make(const midair_function* calls) {
    midair_module table{};
    table.abi = MIDAIR_MODULE_ABI;
    table.flags = Module::kInfo.flags;
    table.name = Module::kInfo.name;
    table.version = Module::kInfo.version;
    table.schema = Module::kInfo.schema;
    table.calls = calls;
    table.start = start;
    table.stop = stop;
    if constexpr (requires { Module::kImports; }) table.imports = Module::kImports;
    if constexpr (requires(Module & m) { m.suspend(std::chrono::milliseconds()); }) table.suspend = suspend;
    if constexpr (requires(Module & m) { m.resume(); }) table.resume = resume;
    if constexpr (requires(Module & m) { m.units(); }) table.units = units;
    if constexpr (requires(Module & m, Output & o) { m.export_state(0, o); }) table.export_state = export_state;
    if constexpr (requires(Module & m) { m.reserve(0); }) table.reserve = reserve;
    if constexpr (requires(Module & m) { m.import_state("", 0, ""); }) table.import_state = import_state;
    if constexpr (requires(Module & m) { m.complete(0); }) table.complete = complete;
    if constexpr (requires(Module & m, Output & o) { m.downgrade("", 0, o); }) table.downgrade = downgrade;
    if constexpr (requires(Module & m) { m.health(); }) table.health = health;
    return table;
  }
};

}  // namespace module_detail

/// The member function `Member` as a call of the module.
template <auto Member>
midair_function call(const char* name) {
  return {name, reinterpret_cast<void (*)()>(&module_detail::Thunk<Member>::call)};
}

}  // namespace midair

/// Makes the shared object the module `Class`, which offers the calls that follow. Once, outside of any namespace.
#define MIDAIR_MODULE(Class, ...)                                                         \
  static const midair_function midair_module_calls[] = {__VA_ARGS__, {nullptr, nullptr}}; \
  extern constinit const midair_module midair_module_table =                              \
      midair::module_detail::Table<Class>::make(midair_module_calls)
