/// @file
/// A process that runs the test module "sessions", as an app would, and swaps it.
#pragma once

#include <cppunit/TestAssert.h>

#include <string>
#include <vector>

#include "../../support/modules/sessions.h"
#include "midair/app.h"

extern "C" {
#include "gate_internal.h"
#include "swap.h"
}

namespace midair {

inline constexpr std::uint32_t kLong = 60'000;  // ms; nothing in these tests waits for so long
inline const std::string kModules = MIDAIR_TEST_MODULES;

inline std::string module_path(const std::string& variant, const std::string& name) {
  return kModules + "/" + variant + "/" + name + ".so";
}

inline std::uint64_t in_a_minute() { return midair_now_ns() + 60'000'000'000; }

inline std::string build_id_of(const std::string& variant, const std::string& name) {
  midair_lint lint{};
  CPPUNIT_ASSERT_MESSAGE(lint.problem, midair_lint_file(module_path(variant, name).c_str(), &lint));
  return lint.build_id;
}

inline midair_wanted wanted_module(const std::string& variant, const std::string& name, const std::string& build_id) {
  midair_wanted wanted{};
  std::snprintf(wanted.name, sizeof wanted.name, "%s", name.c_str());
  std::snprintf(wanted.path, sizeof wanted.path, "%s", module_path(variant, name).c_str());
  std::snprintf(wanted.build_id, sizeof wanted.build_id, "%s", build_id.c_str());
  return wanted;
}

/// Asserts on the way; one in a process.
class SessionsApp {
  template <class Function, class... Arguments>
  static auto call(const midair_call* call, Arguments... arguments) {
    CPPUNIT_ASSERT(midair_enter());
    const auto result = reinterpret_cast<Function*>(call->function)(call->state, arguments...);
    midair_leave();
    return result;
  }

 public:
  explicit SessionsApp(const std::string& variant, bool wait = false) {
    succeed(midair_load_module(module_path(variant, "sessions").c_str(), "sessions", &error_));
    succeed(midair_swap_begin(wait, &error_));
    add_ = midair_bind("sessions", "add");
    text_ = midair_bind("sessions", "text");
    visits_ = midair_bind("sessions", "visits");
    version_ = midair_bind("sessions", "version");
    CPPUNIT_ASSERT(add_ != nullptr && text_ != nullptr && visits_ != nullptr && version_ != nullptr);
  }

  std::uint64_t add(std::uint64_t id, const std::string& text) { return call<sessions_add>(add_, id, text.c_str()); }
  void add_many(std::uint64_t count) {
    for (std::uint64_t id = 0; id < count; ++id) add(id, "session " + std::to_string(id));
  }
  std::string text(std::uint64_t index) {
    const char* text = call<sessions_text>(text_, index);
    return text != nullptr ? text : "(none)";
  }
  std::uint64_t visits(std::uint64_t index) { return call<sessions_visits>(visits_, index); }
  int version() { return call<sessions_version>(version_); }

  midair_status prepare(const std::string& variant) { return prepare_as(variant, build_id_of(variant)); }
  midair_status prepare_as(const std::string& variant, const std::string& build_id) {
    const midair_wanted wanted = wanted_module(variant, "sessions", build_id);
    return midair_swap_prepare(&wanted, 1, in_a_minute(), &error_);
  }
  midair_status suspend() { return midair_swap_suspend(kLong, kLong, &error_); }
  midair_status migrate() { return midair_swap_migrate(&patient_, &units_, &error_); }
  midair_status resume() { return midair_swap_resume(&suspended_ns_, &error_); }
  midair_status commit() { return midair_swap_commit(&error_); }
  midair_status abort() { return midair_swap_abort(kLong, &error_); }

  /// From prepare to resume.
  void swap_to(const std::string& variant) {
    succeed(prepare(variant));
    succeed(suspend());
    succeed(migrate());
    succeed(resume());
  }

  void succeed(midair_status status) { CPPUNIT_ASSERT_EQUAL_MESSAGE(error_.text, MIDAIR_OK, status); }
  /// Demands `code`, and `why` somewhere in the error's text.
  void fail(midair_status code, const std::string& why, midair_status status) {
    CPPUNIT_ASSERT_EQUAL_MESSAGE(error_.text, code, status);
    CPPUNIT_ASSERT_MESSAGE(error_.text, std::string(error_.text).find(why) != std::string::npos);
  }

  [[nodiscard]] const midair_units& units() const { return units_; }
  [[nodiscard]] std::uint64_t suspended_ns() const { return suspended_ns_; }
  [[nodiscard]] std::string error() const { return error_.text; }

  static std::string build_id_of(const std::string& variant) { return midair::build_id_of(variant, "sessions"); }

 private:
  midair_error error_{};
  midair_units units_{};
  std::uint64_t suspended_ns_ = 0;
  midair_interrupt patient_{[](void*) { return false; }, nullptr};
  const midair_call* add_ = nullptr;
  const midair_call* text_ = nullptr;
  const midair_call* visits_ = nullptr;
  const midair_call* version_ = nullptr;
};

}  // namespace midair
