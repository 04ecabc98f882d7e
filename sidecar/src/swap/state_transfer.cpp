#include "swap/state_transfer.h"

#include <sys/epoll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "midair/durable_file.h"
#include "midair/duration.h"
#include "midair/log.h"

namespace midair::sidecar {

namespace {

/// A process that ends closes its connection first, and has a while to go: threads, memory, a busy machine.
constexpr std::chrono::milliseconds kDyingTakes{2000};

Error cannot_carry(const std::string& cause, Errc code = Errc::refused, const std::string& hint = {}) {
  return {code, "carry", "the app's state over", cause, hint};
}

Poco::JSON::Object to_json(const ReleaseRef& release) {
  Poco::JSON::Object object;
  object.set("version", release.version);
  object.set("digest", release.digest);
  return object;
}

/// How much memory a process has resident, in bytes: its state is a part of it. 0 if that can't be seen.
std::uint64_t resident_bytes(pid_t pid) {
  constexpr std::uint64_t kMaxBytes = 256;
  const auto text = read_file("/proc/" + std::to_string(pid) + "/statm", kMaxBytes);
  if (!text) return 0;
  unsigned long long pages = 0;
  const bool read = std::sscanf(text->c_str(), "%*u %llu", &pages) == 1;
  return read ? pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE)) : 0;
}

}  // namespace

const Hello* keeper_of_state(const Generation* generation) {
  const Hello* hello = generation == nullptr ? nullptr : generation->app->last_hello();
  return hello != nullptr && hello->keeps_state ? hello : nullptr;
}

void StateTransfer::begin(StepDone done) {
  cancel();
  done_ = std::move(done);
}

void StateTransfer::cancel() {
  ++step_;
  limit_ = {};
  failure_ = {};
  death_ = {};
  dying_.reset();
  done_ = nullptr;
}

void StateTransfer::end(Result<void> result) {
  const StepDone done = std::exchange(done_, nullptr);
  cancel();
  if (done) done(std::move(result));
}

void StateTransfer::fail_soon(Error error) {
  failure_ = loop_.after({}, [this, error = std::move(error)] { end(error); });
}

void StateTransfer::ask(unsigned generation, const std::string& op, const Poco::JSON::Object& fields,
                        std::chrono::milliseconds limit, Then then) {
  const Generation* process = supervisor_.find(generation);
  if (process == nullptr) return fail_soon(request_error(Errc::unavailable, op, "it has ended"));
  process->app->request(op, fields, limit,
                        [this, step = step_, then = std::move(then)](const Result<Poco::JSON::Object::Ptr>& answer) {
                          if (step != step_) return;
                          if (!answer) return end(answer.error());
                          then(**answer);
                        });
}

void StateTransfer::await_hello(unsigned generation, const std::function<void()>& then) {
  const Generation* process = supervisor_.find(generation);
  if (process == nullptr) return fail_soon(cannot_carry("the new process has ended", Errc::unavailable));
  if (process->app->hello() != nullptr) return then();
  AppSocket& app = *process->app;
  app.watch(
      [this, &app, step = step_, then] {
        app.watch(nullptr, nullptr);
        if (step == step_) then();
      },
      nullptr);
}

void StateTransfer::introduce(unsigned generation, const std::string& schema, const std::string& upgrade_id,
                              const ReleaseRef& from, const ReleaseRef& to, StepDone done) {
  begin(std::move(done));
  const BootTime deadline = loop_.clock().now() + limits_.ready;
  limit_ = loop_.after(limits_.ready, [this] {
    end(cannot_carry(
        "the new process did not say hello on MIDAIR_SOCKET and answer 'prepare' within " +
            format_duration(limits_.ready),
        Errc::timeout,
        "the running code keeps state that only a process that speaks the upgrade protocol can take over"));
  });
  await_hello(generation, [=, this] {
    const Hello* hello = keeper_of_state(supervisor_.find(generation));
    if (hello == nullptr) return fail_soon(cannot_carry("the new code keeps no state"));
    check_schema(*hello, schema, [=, this] {
      Poco::JSON::Object fields;
      fields.set("upgrade_id", upgrade_id);
      fields.set("from", to_json(from));
      fields.set("to", to_json(to));
      fields.set("release_dir", to.directory.string());
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - loop_.clock().now());
      ask(generation, "prepare", fields, left, [this](const auto&) { end({}); });
    });
  });
}

void StateTransfer::check_schema(const Hello& successor, const std::string& schema, const std::function<void()>& then) {
  if (successor.imports_schema(schema)) return then();
  hooks_.can_migrate([this, schema, then, step = step_](const Result<bool>& can) {
    if (step != step_) return;
    if (!can) return end(can.error());
    if (*can) return then();
    end(cannot_carry("the new code does not import '" + schema + "', the schema of the running code", Errc::refused,
                     "list it in 'imports', or let a hook migrate it"));
  });
}

void StateTransfer::suspend(unsigned generation, StepDone done) {
  begin(std::move(done));
  Poco::JSON::Object fields;
  fields.set("hold_ms", static_cast<std::uint64_t>(3 * limits_.step.count()));
  ask(generation, "suspend", fields, limits_.step, [this](const auto&) { end({}); });
}

void StateTransfer::save(unsigned generation, const ReleaseRef& release, StepDone done) {
  begin(std::move(done));
  const Generation* process = supervisor_.find(generation);
  if (process == nullptr) return fail_soon(cannot_carry("the process has ended", Errc::unavailable));
  auto created = SavedState::create(dir_, process->app->peer_uid(), resident_bytes(process->child.pid()));
  if (!created) return fail_soon(std::move(created).error());
  // Kept by its callback until it is sealed: it goes if there is no answer.
  const auto state = std::make_shared<SavedState>(std::move(created).value());
  Poco::JSON::Object fields;
  fields.set("state_path", state->path().string());
  ask(generation, "export", fields, limits_.step, [this, state, release](const Poco::JSON::Object& answer) {
    JsonReader reader(answer, "the app's answer to 'export'");
    const std::string schema = reader.string("schema");
    const std::uint64_t bytes = reader.unsigned_integer("bytes");
    if (!is_schema_name(schema)) reader.complain("'schema' is not a schema's name");
    if (auto read = reader.finish(); !read) return end(std::move(read));
    if (auto sealed = state->seal(schema, bytes, release); !sealed) return end(std::move(sealed));
    saved_ = std::move(*state);
    log(LogLevel::info, "state.saved",
        {{"schema", schema}, {"bytes", std::to_string(bytes)}, {"path", saved_->path().string()}});
    end({});
  });
}

void StateTransfer::give(unsigned generation, StepDone done) {
  begin(std::move(done));
  const Generation* process = supervisor_.find(generation);
  if (process == nullptr) return fail_soon(cannot_carry("the process has ended", Errc::unavailable));
  const Hello* hello = keeper_of_state(process);
  if (hello == nullptr || hello->imports_schema(saved_->schema())) return import(generation, *saved_);
  migrate(*hello, process->app->peer_uid(), [this, generation] { import(generation, *migrated_); });
}

void StateTransfer::migrate(const Hello& successor, uid_t reader, const std::function<void()>& then) {
  auto created = SavedState::create(dir_, reader, 2 * saved_->bytes());
  if (!created) return fail_soon(std::move(created).error());
  migrated_ = std::move(created).value();
  hooks_.migrate(saved_->path(), migrated_->path(), saved_->schema(), successor.schema,
                 [this, to = successor.schema, then, step = step_](Result<void> done) {
                   if (step != step_) return;
                   if (!done) return end(std::move(done));
                   std::error_code error;
                   const auto bytes = std::filesystem::file_size(migrated_->path(), error);
                   if (auto sealed = migrated_->seal(to, error ? 0 : bytes, saved_->from()); !sealed)
                     return end(std::move(sealed));
                   then();
                 });
}

void StateTransfer::import(unsigned generation, SavedState& state) {
  const Generation* process = supervisor_.find(generation);
  if (process == nullptr) return fail_soon(cannot_carry("the process has ended", Errc::unavailable));
  if (auto given = state.give_to(process->app->peer_uid()); !given) return fail_soon(std::move(given).error());
  Poco::JSON::Object fields;
  fields.set("state_path", state.path().string());
  fields.set("schema", state.schema());
  fields.set("from", to_json(state.from()));
  ask(generation, "import", fields, limits_.step, [this](const auto&) { end({}); });
}

void StateTransfer::resume(unsigned generation, StepDone done) {
  begin(std::move(done));
  ask(generation, "resume", Poco::JSON::Object(), limits_.step, [this](const auto&) { end({}); });
}

void StateTransfer::abort(unsigned generation, StepDone done) {
  cancel();
  const Generation* process = supervisor_.find(generation);
  if (process == nullptr)
    return loop_.post([done = std::move(done)] { done(request_error(Errc::unavailable, "abort", "it has ended")); });
  process->app->request("abort", Poco::JSON::Object(), limits_.step,
                        [this, generation, done = std::move(done)](const Result<Poco::JSON::Object::Ptr>& answer) {
                          const Generation* alive = supervisor_.find(generation);
                          const bool by_itself = alive != nullptr && alive->app->hello() == nullptr;
                          if (!answer && by_itself) return await_signs_of_life(*alive, answer.error(), done);
                          done(answer ? Result<void>() : answer.error());
                        });
}

void StateTransfer::await_signs_of_life(const Generation& process, const Error& why, StepDone done) {
  begin(std::move(done));
  dying_ = Fd(static_cast<int>(::syscall(SYS_pidfd_open, process.child.pid(), 0)));
  if (!dying_) return fail_soon(why);
  death_ = loop_.watch(dying_.get(), EPOLLIN, [this, why](std::uint32_t) { end(why); });
  process.app->watch(
      [this, step = step_] {
        if (step == step_) end({});
      },
      nullptr);
  limit_ = loop_.after(std::min(limits_.step, kDyingTakes), [this] { end({}); });
}

}  // namespace midair::sidecar
