/// @file
/// midair-fake-fly as a child process of a test.
#pragma once

#include <string>
#include <vector>

#include <sys/types.h>

#include "midair/json/json_text.h"

namespace midair::host {

/// Runs until it goes. Fast: what takes Fly a second takes it some hundredths.
class FakeFly {
 public:
  /// `args` besides --pace, e.g. {"--app", "web:3"}.
  explicit FakeFly(std::vector<std::string> args);
  ~FakeFly();
  FakeFly(const FakeFly&) = delete;
  FakeFly& operator=(const FakeFly&) = delete;

  [[nodiscard]] const std::string& url() const { return url_; }
  /// The next request with that method and path (a regular expression) fails as `fault` says; see the README.
  void fail_next(const std::string& fault) const;
  /// {method, path, body} of all requests so far.
  [[nodiscard]] std::vector<JsonText> requests() const;
  /// How many of them had this method and a path that contains `part`.
  [[nodiscard]] int count(const std::string& method, const std::string& part) const;

 private:
  [[nodiscard]] JsonText control(const std::string& verb, const std::string& body) const;

  pid_t pid_ = -1;
  std::string url_;
};

}  // namespace midair::host
