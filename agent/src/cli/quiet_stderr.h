/// @file
/// Standard error put away for a while.
#pragma once

#include "midair/fd.h"

namespace midair::host {

/// While it lives, what this process writes to standard error is lost, by whatever way it is written. One at a time,
/// from one thread. Where /dev/null can't be opened or standard error is closed, nothing changes.
class QuietStderr {
 public:
  QuietStderr();
  ~QuietStderr();
  QuietStderr(const QuietStderr&) = delete;
  QuietStderr& operator=(const QuietStderr&) = delete;

 private:
  const Fd kept_;  // the real standard error
};

}  // namespace midair::host
