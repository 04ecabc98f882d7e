/// @file
/// `midair hot --json`: each event as a line.
#pragma once

#include "midair/host/event_bus.h"
#include "midair/host/plugin.h"

namespace midair::host::hot {

/// Writes what it hears as NDJSON. The README of this plugin lists the fields; unknown ones are to be ignored.
class JsonReporter {
 public:
  explicit JsonReporter(Console& console) : console_(console) {}
  /// All but progress, which changes with every look.
  void hear(const Event& event);

 private:
  Console& console_;
};

}  // namespace midair::host::hot
