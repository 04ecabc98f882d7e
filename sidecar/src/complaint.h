/// @file
/// What goes wrong, told to whoever gave the command.
#pragma once

#include "midair/error.h"

namespace midair::sidecar {

/// Errors on standard error: as text, or each as one JSON object (error_json.h).
class Complaint {
 public:
  explicit Complaint(bool json) : json_(json) {}

  /// Returns `exit_status`.
  [[nodiscard]] int about(const Error& error, int exit_status) const;
  [[noreturn]] void end(const Error& error, int exit_status) const;

 private:
  bool json_;
};

}  // namespace midair::sidecar
