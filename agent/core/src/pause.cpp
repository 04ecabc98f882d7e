#include "midair/pause.h"

#include <condition_variable>
#include <mutex>

namespace midair {

void pause_thread(std::chrono::milliseconds duration, const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any woken;
  std::unique_lock lock(mutex);
  woken.wait_for(lock, stop, duration, [] { return false; });
}

}  // namespace midair
