/// @file
/// What serves the clients, what is to serve them, and what would come back.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <functional>
#include <string>
#include <utility>

#include "process/supervisor.h"
#include "release/release_ref.h"

namespace midair::sidecar {

/// Shared by boot and the strategies, which change it, and whoever has to know. On the loop thread, but for pid().
class Serving {
 public:
  /// `on_served` is called with each process that serves from now on, before that is told to anybody: the switch.
  explicit Serving(std::function<void(unsigned generation)> on_served = nullptr) : on_served_(std::move(on_served)) {}

  /// The process that serves; 0 before the first, and where it is given up.
  [[nodiscard]] unsigned generation() const { return generation_; }
  /// Its id, also for the watchdog's signal handler; 0 before the first.
  [[nodiscard]] const std::atomic<pid_t>& pid() const { return pid_; }
  /// What it runs.
  [[nodiscard]] const ReleaseRef& release() const { return release_; }
  /// The process that runs the new code, until that has passed or is given up; 0: none.
  [[nodiscard]] unsigned candidate() const { return candidate_; }
  /// What the last candidate runs or ran.
  [[nodiscard]] const ReleaseRef& candidate_release() const { return candidate_release_; }
  /// What a roll back brings back.
  [[nodiscard]] const ReleaseRef& fallback() const { return fallback_; }
  /// False if what is brought back never said that it is ready before: then it isn't asked to on its return.
  [[nodiscard]] bool fallback_said_ready() const { return fallback_said_ready_; }
  /// What the next start would run.
  [[nodiscard]] const ReleaseRef& committed() const { return committed_; }
  /// True while the candidate is what was started first: nothing served before it.
  [[nodiscard]] bool at_boot() const { return at_boot_; }
  /// True while there is a candidate beside the process that serves.
  [[nodiscard]] bool candidate_waits() const { return candidate_ != 0 && candidate_ != generation_; }

  /// That process serves from now on.
  void serve_with(const Generation& process) {
    if (on_served_) on_served_(process.number);
    generation_ = process.number;
    pid_ = process.child.pid();
    release_ = process.release;
  }
  /// At boot: `process` was started in place of `instead_of`, and is watched like a candidate that has taken over.
  void boot_with(const Generation& process, const ReleaseRef& instead_of) {
    serve_with(process);
    candidate_ = process.number;
    candidate_release_ = process.release;
    fallback_ = instead_of;
    fallback_said_ready_ = false;
    at_boot_ = true;
  }

  /// What was started at boot failed, and a better release than the committed one was found to come back.
  void fall_back_to(const ReleaseRef& release) { fallback_ = release; }

  /// `process` runs new code beside what serves.
  void try_beside(const Generation& process) {
    candidate_ = process.number;
    candidate_release_ = process.release;
    at_boot_ = false;
  }
  /// The process that serves runs the new code itself. Asked now, for it may die of that: did it say that it is ready?
  void try_within(const ReleaseRef& release, bool said_ready) {
    candidate_ = generation_;
    candidate_release_ = release;
    fallback_said_ready_ = said_ready;
    at_boot_ = false;
  }
  /// The candidate, a process beside, serves from now on; what served would come back.
  void take_over(const Generation& candidate, bool said_ready) {
    fallback_ = release_;
    fallback_said_ready_ = said_ready;
    serve_with(candidate);
  }
  /// `process`, which served before the candidate did and is as it was, serves again.
  void go_back_to(const Generation& process) {
    give_up_candidate();
    serve_with(process);
  }
  /// The new code in the process that serves is what serves from now on; what it ran would come back.
  void take_over_within() { fallback_ = std::exchange(release_, candidate_release_); }
  /// The new code has passed.
  void pass_candidate() { give_up_candidate(); }
  /// Nothing runs new code any more, or what does is left to end.
  void give_up_candidate() {
    candidate_ = 0;
    at_boot_ = false;
  }
  /// The process that serves runs that release again.
  void go_back_within(const ReleaseRef& release) {
    give_up_candidate();
    release_ = release;
  }
  /// The process that serves is being killed; its release is brought back in another.
  void give_up_process() { generation_ = 0; }
  /// What is about to be brought back said that it is ready when it ran, or not.
  void expect_ready(bool said_ready) { fallback_said_ready_ = said_ready; }

  /// The code that serves was published again under another name: it is known by that name from now on.
  void rename(const ReleaseName& name) { release_.name() = name; }
  /// At the start: what is committed.
  void start_from(const ReleaseRef& committed) { committed_ = committed; }
  /// What serves is what the next start would run.
  void commit() { committed_ = release_; }

 private:
  const std::function<void(unsigned)> on_served_;
  unsigned generation_ = 0;
  std::atomic<pid_t> pid_{0};
  ReleaseRef release_;
  unsigned candidate_ = 0;
  ReleaseRef candidate_release_;
  ReleaseRef fallback_;
  ReleaseRef committed_;
  bool fallback_said_ready_ = false;
  bool at_boot_ = false;
};

}  // namespace midair::sidecar
