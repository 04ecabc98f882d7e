/// @file
/// midair/app.h for C++20: gated calls that look like calls.
///
///     midair::App app;                                   // loads modules/*.so, meets the sidecar
///     const midair::Call<int(int)> add("counter", "add");
///     if (!app.wait_for_turn()) return;
///     int total = add(5);                                // any thread, as often as one likes
#pragma once

#include <chrono>
#include <stdexcept>
#include <string>
#include <utility>

#include "midair/app.h"

namespace midair {

/// A swap that can't be taken part in, a module that can't be loaded: what the text says.
class AppError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// The call was not made, because this process has handed its state to its successor. Close the client's connection.
class Succeeded : public AppError {
 public:
  Succeeded() : AppError("another process serves now") {}
};

/// Inside of the gate for as long as it lives. Throws Succeeded.
class Inside {
 public:
  Inside() {
    if (!midair_enter()) throw Succeeded();
  }
  ~Inside() { midair_leave(); }
  Inside(const Inside&) = delete;
  Inside& operator=(const Inside&) = delete;
};

template <class Signature>
class Call;

/// The call `name` of `module`, whichever code serves: to be made once and used by any thread. `Result(Arguments...)`
/// is what the module documents, without the state; nobody checks it. What it returns must not point into the module's
/// state, which may be gone when it is looked at.
template <class Result, class... Arguments>
class Call<Result(Arguments...)> {
 public:
  /// Throws AppError if there is none.
  Call(const char* module, const char* name) : call_(midair_bind(module, name)) {
    if (call_ == nullptr) throw AppError(std::string(module) + " offers no call '" + name + "'");
  }
  /// Throws Succeeded, and what the module throws.
  Result operator()(Arguments... arguments) const {
    const Inside inside;
    return reinterpret_cast<Result (*)(void*, Arguments...)>(call_->function)(call_->state,
                                                                              std::forward<Arguments>(arguments)...);
  }

 private:
  const midair_call* call_;
};

/// This process's part in swaps, from midair_app_start() to midair_app_stop(). One in a process.
class App {
 public:
  /// Throws AppError.
  explicit App(const midair_app_options& options = {}) { check(midair_app_start(&options, &error_)); }
  ~App() { stop(); }
  App(const App&) = delete;
  App& operator=(const App&) = delete;

  /// See midair_app_wait_for_turn(). False: the turn will never come; end.
  [[nodiscard]] bool wait_for_turn() { return midair_app_wait_for_turn(UINT32_MAX, &error_) == MIDAIR_OK; }
  /// See midair_app_stop().
  void stop() noexcept { midair_app_stop(); }

 private:
  void check(midair_status status) const {
    if (status != MIDAIR_OK) throw AppError(error_.text);
  }

  midair_error error_{};
};

}  // namespace midair
