#include "hot_doubles.h"

namespace midair {

Pause moving(ManualClock& clock, std::function<void()> meanwhile) {
  return [&clock, meanwhile = std::move(meanwhile)](std::chrono::milliseconds duration, const std::stop_token&) {
    clock.advance(duration);
    if (meanwhile) meanwhile();
  };
}

}  // namespace midair
