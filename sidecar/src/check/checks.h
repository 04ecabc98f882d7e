/// @file
/// The table of what an app has to do, check by check.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "check/app_under_test.h"

namespace midair::sidecar {

/// Where a check runs.
class Lab {
 public:
  explicit Lab(AppUnderTest::Settings settings) : settings_(std::move(settings)) {}

  /// A fresh process of the app that serves at once, or waits for `resume`.
  [[nodiscard]] Result<std::unique_ptr<AppUnderTest>> app(bool wait = false) const {
    return AppUnderTest::start(settings_, wait);
  }
  [[nodiscard]] const AppUnderTest::Settings& settings() const { return settings_; }
  /// An empty state file, as the sidecar makes it. Not used before.
  [[nodiscard]] Result<std::string> state_file(const std::string& content = {}) const;

 private:
  AppUnderTest::Settings settings_;
};

/// Whom a check concerns.
enum class Concerns {
  everybody,
  with_state,
  without_state,
  with_in_place,
  without_in_place,
  with_listen,
  with_state_and_listen
};

struct Check {
  const char* name;  ///< what the app does, as a sentence
  const char* rule;  ///< of sidecar/README.md: the sentence that it rests on
  Concerns whom;
  std::function<Result<void>(const Lab&)> run;
};

[[nodiscard]] const std::vector<Check>& protocol_checks();

}  // namespace midair::sidecar
