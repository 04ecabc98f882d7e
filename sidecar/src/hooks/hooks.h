/// @file
/// The hooks of a release, or of the image: when they are called, what they are told, what their answers mean.
#pragma once

#include <filesystem>
#include <list>
#include <memory>
#include <string>

#include "hooks/hook_run.h"
#include "loop/event_loop.h"
#include "loop/step_done.h"
#include "midair/json/json.h"
#include "release/stager.h"
#include "release/trust_policy.h"

namespace midair::sidecar {

/// Asks a Lua script. A script, or a function of it, that isn't there agrees to everything. On the loop thread.
class Hooks {
 public:
  /// `script`: of the image (`--hooks`), asked instead of the releases' own; empty: none.
  Hooks(EventLoop& loop, Identity identity, std::filesystem::path script)
      : loop_(loop), identity_(std::move(identity)), image_script_(std::move(script)) {}

  /// From now on it is about this release, which comes after `from`.
  void begin(const StagedRelease& release, const ReleaseRef& from);

  // Before the switch: what fails, or says no, ends the swap.
  void accept(StepDone done);
  void before_suspend(StepDone done);
  /// Is there a `migrate`?
  void can_migrate(std::function<void(Result<bool>)> done);
  /// Turns the state in one file, of schema `from`, into that in the other, which is there and empty, of schema `to`.
  void migrate(const std::filesystem::path& state_in, const std::filesystem::path& state_out, const std::string& from,
               const std::string& to, StepDone done);

  // After it.
  void healthy(StepDone done);
  void after_resume();
  void on_rollback(const std::string& why);

  /// Ends what runs before the switch, without an answer.
  void cancel();

 private:
  using Returned = std::optional<std::vector<Poco::Dynamic::Var>>;
  void call(HookCall hook, std::chrono::milliseconds limit, HookRun::Done done);
  void ask(const std::string& function, std::chrono::milliseconds limit, StepDone done);
  void tell(const std::string& function, const Poco::JSON::Object::Ptr& context);
  [[nodiscard]] Poco::JSON::Object::Ptr context() const;

  EventLoop& loop_;
  const Identity identity_;
  const std::filesystem::path image_script_;
  std::filesystem::path script_;  ///< that is asked about the current release; empty: none
  ReleaseRef from_;
  std::optional<StagedRelease> release_;
  std::list<std::unique_ptr<HookRun>> runs_;
};

}  // namespace midair::sidecar
