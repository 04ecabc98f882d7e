#include "hooks/hooks.h"

#include <algorithm>
#include <utility>

#include "midair/log.h"

namespace midair::sidecar {

namespace {

using Poco::JSON::Object;

/// A hook decides; work is the app's. Health is asked every second.
constexpr std::chrono::milliseconds kLimit{4000};
constexpr std::chrono::milliseconds kHealthLimit{1000};

Object::Ptr release_json(const StagedRelease& release) {
  Object::Ptr json = new Object;
  json->set("version", release.target.version);
  json->set("digest", release.target.digest);
  json->set("size", static_cast<Poco::UInt64>(release.target.size));
  json->set("sequence", static_cast<Poco::UInt64>(release.target.sequence));
  json->set("upgrade_id", release.target.upgrade_id);
  json->set("strategy", release.manifest.strategy);
  json->set("base_image_ref", release.target.base_image_ref);
  return json;
}

Object::Ptr machine_json(const Identity& identity) {
  Object::Ptr json = new Object;
  json->set("app", identity.app);
  json->set("id", identity.machine_id);
  json->set("region", identity.region);
  json->set("process_group", identity.process_group);
  json->set("base_image_ref", identity.base_image_ref);
  return json;
}

/// true, nothing at all or any other value but false agrees; `false, why` refuses, `"later", why` puts off.
Result<void> verdict(const std::string& function, const std::vector<Poco::Dynamic::Var>& returned) {
  if (returned.empty() || returned[0].isEmpty()) return {};
  const bool refused = returned[0].isBoolean() && !returned[0].convert<bool>();
  const bool later = returned[0].isString() && returned[0].convert<std::string>() == "later";
  if (!refused && !later) return {};
  const bool explained = returned.size() > 1 && returned[1].isString();
  return Error{later ? Errc::throttled : Errc::refused, "pass the hook", function,
               explained ? returned[1].convert<std::string>() : "it says no"};
}

}  // namespace

void Hooks::begin(const StagedRelease& release, const ReleaseRef& from) {
  release_ = release;
  from_ = from;
  script_ = image_script_;
  if (script_.empty() && !release.manifest.hooks.empty()) script_ = release.directory / release.manifest.hooks;
}

Object::Ptr Hooks::context() const {
  Object::Ptr json = new Object;
  json->set("release", release_json(*release_));
  Object::Ptr from = new Object;
  from->set("version", from_.version);
  from->set("digest", from_.digest);
  json->set("from", from);
  return json;
}

void Hooks::call(HookCall hook, std::chrono::milliseconds limit, HookRun::Done done) {
  if (!release_ || script_.empty()) {
    loop_.post([done = std::move(done)] { done(Returned()); });
    return;
  }
  hook.script = script_.string();
  hook.machine = machine_json(identity_);
  runs_.emplace_back();
  const auto run = std::prev(runs_.end());
  *run = std::make_unique<HookRun>(loop_, hook, limit, [this, run, done = std::move(done)](Result<Returned> returned) {
    const std::unique_ptr<HookRun> ended = std::move(*run);
    runs_.erase(run);
    done(std::move(returned));
  });
}

void Hooks::ask(const std::string& function, std::chrono::milliseconds limit, StepDone done) {
  HookCall hook{.script = {}, .function = function, .arguments = {context()}};
  call(std::move(hook), limit, [function, done = std::move(done)](const Result<Returned>& returned) {
    if (!returned) return done(returned.error());
    done(*returned ? verdict(function, **returned) : Result<void>());
  });
}

void Hooks::accept(StepDone done) {
  HookCall hook{.script = {}, .function = "accept", .arguments = {release_json(*release_)}};
  call(std::move(hook), kLimit, [done = std::move(done)](const Result<Returned>& returned) {
    if (!returned) return done(returned.error());
    done(*returned ? verdict("accept", **returned) : Result<void>());
  });
}

void Hooks::before_suspend(StepDone done) { ask("before_suspend", kLimit, std::move(done)); }

void Hooks::healthy(StepDone done) {
  if (!release_) return done({});
  ask("healthy", kHealthLimit, std::move(done));
}

void Hooks::can_migrate(std::function<void(Result<bool>)> done) {
  HookCall hook{.script = {}, .function = "migrate", .only_look = true};
  call(std::move(hook), kLimit, [done = std::move(done)](const Result<Returned>& returned) {
    if (!returned) return done(returned.error());
    done(returned->has_value());
  });
}

void Hooks::migrate(const std::filesystem::path& state_in, const std::filesystem::path& state_out,
                    const std::string& from, const std::string& to, StepDone done) {
  HookCall hook{.script = {}, .function = "migrate", .arguments = {from, to}};
  hook.state_in = state_in.string();
  hook.state_out = state_out.string();
  call(std::move(hook), kLimit, [done = std::move(done)](const Result<Returned>& returned) {
    if (!returned) return done(returned.error());
    if (!*returned) return done(Error{Errc::refused, "run the hook", "migrate", "the script has none any more"});
    done({});
  });
}

void Hooks::after_resume() {
  if (release_) tell("after_resume", context());
}

void Hooks::on_rollback(const std::string& why) {
  if (!release_) return;
  Object::Ptr what = context();
  what->set("error", why);
  tell("on_rollback", what);
}

void Hooks::tell(const std::string& function, const Object::Ptr& context) {
  HookCall hook{.script = {}, .function = function, .arguments = {context}};
  call(std::move(hook), kLimit, [function](const Result<Returned>& returned) {
    if (!returned) log(LogLevel::warning, "hook.failed", {{"hook", function}, {"error", returned.error().message()}});
  });
}

void Hooks::cancel() { runs_.clear(); }

}  // namespace midair::sidecar
