// The module of the example "hits" in variants: what is wrong with one is said by HITS_* macros, see CMakeLists.txt. A
// unit of state is a path and how often it was visited. Whoever visits "/until/FILE" waits inside of the call until
// FILE exists.
#include "hits.h"

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <map>
#include <midair/module.hpp>
#include <mutex>
#include <stdexcept>
#include <thread>

#ifndef HITS_FLAGS
#define HITS_FLAGS 0
#endif

namespace {

constexpr std::string_view kUntil = "/until";

class Hits {
 public:
  static constexpr midair::ModuleInfo kInfo{
      .name = "hits", .version = HITS_VARIANT, .schema = "hits/1", .flags = HITS_FLAGS};

  std::string visit(const std::string& path) {
    if (path.starts_with(kUntil))
      while (!std::filesystem::exists(path.substr(kUntil.size())))
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    const std::lock_guard lock(mutex_);
    return path + ": " + std::to_string(++counts_[path]) + " visits, by " HITS_VARIANT "\n";
  }

  [[nodiscard]] std::size_t units() const { return counts_.size(); }

  void export_state(std::size_t unit, midair::Output& out) {
    const auto& [path, count] = *(unit == 0 ? at_ = counts_.begin() : ++at_);
    const std::string text = std::to_string(count) + ' ' + path;
    out.write(text.data(), text.size());
  }

  void import_state(std::string_view, std::size_t, std::string_view bytes) {
    const auto blank = bytes.find(' ');
    const std::string path(bytes.substr(blank + 1));
#ifdef HITS_DISLIKES_EVERY_TENTH
    if (path.ends_with('0')) throw std::invalid_argument("a path that ends with 0");
#endif
#ifdef HITS_IS_SLOW
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
#endif
#ifdef HITS_CRASHES
    std::puts("the migration is about to crash");
    std::fflush(stdout);
    volatile int* volatile nowhere = nullptr;
    *nowhere = 1;  // no raise(): signals are blocked in this thread, but for those of a real fault
#endif
#ifdef HITS_HANGS
    std::this_thread::sleep_for(std::chrono::hours(1));
#endif
    counts_[path] = std::stoull(std::string(bytes.substr(0, blank)));
  }

 private:
  std::mutex mutex_;
  std::map<std::string, std::uint64_t> counts_;
  std::map<std::string, std::uint64_t>::iterator at_;
};

}  // namespace

MIDAIR_MODULE(Hits, midair::call<&Hits::visit>("visit"));
