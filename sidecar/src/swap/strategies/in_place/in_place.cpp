#include "swap/strategies/in_place/in_place.h"

#include <algorithm>
#include <utility>

#include "midair/json/json.h"
#include "midair/log.h"

namespace midair::sidecar {

namespace {

using Poco::JSON::Object;

/// Health in probation is asked once a second.
constexpr std::chrono::milliseconds kHealthLimit{1000};

Object::Ptr release_json(const ReleaseRef& release) {
  Object::Ptr json = new Object;
  json->set("version", release.version);
  json->set("digest", release.digest);
  return json;
}

Object prepare_request(const StagedRelease& release, const ReleaseRef& from) {
  Object request;
  request.set("upgrade_id", release.target.upgrade_id);
  request.set("from", release_json(from));
  request.set("to", release_json(ref_of(release)));
  request.set("release_dir", release.directory.string());
  Poco::JSON::Array::Ptr modules = new Poco::JSON::Array;
  for (const ManifestModule& module : release.manifest.modules) {
    Object::Ptr entry = new Object;
    entry->set("name", module.name);
    entry->set("path", module.path);
    entry->set("build_id", module.build_id);
    modules->add(entry);
  }
  request.set("modules", modules);
  return request;
}

/// Checks that the app runs just these modules, by the build ids that it read from its loaded code.
Result<void> check_modules(JsonReader& answer, const std::vector<ManifestModule>& expected) {
  const auto refused = [](const std::string& cause) {
    return Error{Errc::refused, "believe", "the app", cause, "look at the app's own output on this machine"};
  };
  const auto list = answer.optional_array("modules");
  for (const ManifestModule& module : expected) {
    bool found = false;
    for (unsigned i = 0; list && i < list->size() && !found; ++i) {
      const Object::Ptr entry = list->getObject(i);
      if (!entry) continue;
      JsonReader reader(*entry, "module");
      if (reader.optional_string("name") != module.name) continue;
      found = true;
      if (const std::string seen = reader.optional_string("build_id"); seen != module.build_id)
        return refused("its module '" + module.name + "' has the build id '" + seen + "', the release's has '" +
                       module.build_id + "'");
    }
    if (!found) return refused("it doesn't name the module '" + module.name + "'");
  }
  return {};
}

}  // namespace

InPlace::InPlace(const StrategyParts& parts)
    : loop_(parts.loop),
      supervisor_(parts.supervisor),
      serving_(parts.serving),
      probation_(parts.probation),
      fallback_(parts.fallback),
      prepare_limit_(parts.deadlines.ready),
      suspend_limit_(parts.deadlines.suspend) {}

std::string InPlace::why_not(const StrategyParts& parts) {
  const Generation* serving = parts.supervisor.find(parts.serving.generation());
  if (serving == nullptr || serving->app->hello() == nullptr) return "the app doesn't speak the upgrade protocol";
  if (!serving->app->hello()->swaps_in_place) return "the app doesn't offer it";
  if (serving->swaps_in_place >= kMaxSwaps)
    return "this process has taken " + std::to_string(kMaxSwaps) + " upgrades already";
  return {};
}

void InPlace::ask(const std::string& op, Object fields, std::chrono::milliseconds limit,
                  AppChannel::Answered answered) {
  if (Generation* serving = process()) return serving->app->request(op, std::move(fields), limit, std::move(answered));
  loop_.post([op, answered = std::move(answered)] {
    answered(Error{Errc::unavailable, op, "the app", "its process has ended"});
  });
}

void InPlace::prepare(const StagedRelease& release, StepDone done) {
  begun_ = true;
  report_ = {};
  modules_ = release.manifest.modules;
  serving_.try_within(ref_of(release), process() != nullptr && process()->ready);
  ask("prepare", prepare_request(release, serving_.release()), prepare_limit_,
      [this, done = step_.forward(std::move(done))](Result<Object::Ptr> answer) {
        if (!answer) return done(std::move(answer).error());
        JsonReader reader(**answer, "the app's answer to prepare");
        report_.modules = reader.optional_strings("changed");
        done(reader.finish());
      });
}

std::string InPlace::why_in_vain() const {
  // What the release changes lies outside of its modules: it takes a new process to run it.
  return report_.modules.empty() ? "none of its modules differs from what runs" : "";
}

void InPlace::suspend(StepDone done) {
  // Long enough for all that comes before resume; then the app goes on by itself, whatever became of us.
  Object fields;
  fields.set("hold_ms", std::chrono::milliseconds(3 * suspend_limit_).count());
  ask("suspend", std::move(fields), suspend_limit_,
      [done = step_.forward(std::move(done))](Result<Object::Ptr> answer) {
        if (!answer) return done(std::move(answer).error());
        done({});
      });
}

void InPlace::migrate(StepDone done) {
  ask("migrate", Object(), suspend_limit_, [this, done = step_.forward(std::move(done))](Result<Object::Ptr> answer) {
    if (!answer) return done(std::move(answer).error());
    done(check_migrated(**answer));
  });
}

Result<void> InPlace::check_migrated(const Object& answer) {
  JsonReader reader(answer, "the app's answer to migrate");
  report_.units_succeeded = reader.optional_unsigned("units_succeeded").value_or(0);
  report_.units_failed = reader.optional_unsigned("units_failed").value_or(0);
  MIDAIR_TRY(check_modules(reader, modules_));
  MIDAIR_TRY(reader.finish());
  if (report_.units_failed > 0)
    return Error{Errc::refused, "migrate", "the state of the app",
                 std::to_string(report_.units_failed) + " of " +
                     std::to_string(report_.units_failed + report_.units_succeeded) + " units failed",
                 "nothing was lost: the old code serves on with the old state; look at the app's own output"};
  // Every module's build id is the one of this release: that is the code which was seen.
  report_.observed_digest = serving_.candidate_release().digest;
  return {};
}

void InPlace::resume(StepDone done) {
  serving_.take_over_within();
  ask("resume", Object(), suspend_limit_, [this, done = step_.forward(std::move(done))](Result<Object::Ptr> answer) {
    if (!answer) return done(std::move(answer).error());
    JsonReader reader(**answer, "the app's answer to resume");
    if (const auto suspended = reader.optional_unsigned("suspended_ns"))
      report_.suspended = std::chrono::nanoseconds(*suspended);
    if (auto read = reader.finish(); !read) return done(read);
    if (ending_) return;
    probation_.begin(
        serving_.generation(), [this](unsigned, StepDone healthy) { ask_health(std::move(healthy)); },
        [this, done](Result<void> passed) {
          if (passed) serving_.pass_candidate();
          done(std::move(passed));
        });
  });
}

void InPlace::ask_health(StepDone answer) {
  ask("health", Object(), kHealthLimit, [this, answer = std::move(answer)](Result<Object::Ptr> health) {
    if (!health) return answer(std::move(health).error());
    JsonReader reader(**health, "the app's answer to health");
    answer(check_modules(reader, modules_));
  });
}

void InPlace::undo(StepDone done) { go_back(serving_.release(), std::move(done)); }

void InPlace::roll_back(StepDone done) {
  probation_.cancel();
  go_back(serving_.fallback(), std::move(done));
}

void InPlace::go_back(const ReleaseRef& release, StepDone done) {
  const StepDone answer = step_.back(std::move(done));
  if (ending_) return;
  if (!std::exchange(begun_, false)) {
    report_ = {};  // what there is is about another swap
    return loop_.post([answer] { answer({}); });
  }
  ask("abort", Object(), suspend_limit_, [this, release, answer](const Result<Object::Ptr>& undone) {
    serving_.go_back_within(release);
    if (undone || ending_) return answer({});
    log(LogLevel::error, "swap.abort_failed", {{"release", release.describe()}, {"error", undone.error().to_string()}});
    report_.state_lost = true;
    if (Generation* serving = process()) supervisor_.kill(*serving);
    serving_.give_up_process();
    fallback_.bring_back(release, answer);
  });
}

void InPlace::committed() {
  begun_ = false;
  if (Generation* serving = process()) ++serving->swaps_in_place;
  ask("commit", Object(), suspend_limit_, [](const Result<Object::Ptr>& committed) {
    if (!committed) log(LogLevel::warning, "app.not_committed", {{"error", committed.error().to_string()}});
  });
}

void InPlace::stop_watching() {
  ending_ = true;
  probation_.cancel();
  fallback_.cancel();
  step_.stop();
}

}  // namespace midair::sidecar
