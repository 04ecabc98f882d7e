#include "check/checks.h"

#include <fcntl.h>
#include <sys/socket.h>

#include <Poco/Net/SocketAddress.h>

#include <set>

#include "midair/durable_file.h"

namespace midair::sidecar {

using Poco::JSON::Object;
using std::chrono::milliseconds;

namespace {

constexpr milliseconds kLongHold{60000};
constexpr milliseconds kShortHold{200};

Object hold(milliseconds time) {
  Object fields;
  fields.set("hold_ms", static_cast<std::int64_t>(time.count()));
  return fields;
}

Object state_at(const std::string& path) {
  Object fields;
  fields.set("state_path", path);
  return fields;
}

Object state_at(const std::string& path, const std::string& schema) {
  Object fields = state_at(path);
  fields.set("schema", schema);
  fields.set("from", Object());
  return fields;
}

Object upgrade() {
  Object release;
  release.set("version", "1");
  release.set("digest", "");
  Object fields;
  fields.set("upgrade_id", "check");
  fields.set("from", release);
  fields.set("to", release);
  fields.set("release_dir", "/");
  return fields;
}

Error wrong(std::string cause) { return {Errc::corrupt, "follow", "the protocol", std::move(cause)}; }

/// Suspends, exports, and sees that the file is what the answer says. Returns the state's schema and its path.
Result<std::pair<std::string, std::string>> exported_by(AppUnderTest& app, const Lab& lab) {
  MIDAIR_TRY_ASSIGN(const std::string path, lab.state_file());
  MIDAIR_TRY_ASSIGN(const Answer answer, app.have_done("export", state_at(path)));
  JsonReader reader(*answer.fields, "the app's answer to 'export'");
  const std::string schema = reader.string("schema");
  const std::uint64_t bytes = reader.unsigned_integer("bytes");
  MIDAIR_TRY(reader.finish());
  if (schema != app.hello().schema) return wrong("its hello names the schema '" + app.hello().schema + "'");
  std::error_code error;
  if (std::filesystem::file_size(path, error) != bytes || error)
    return wrong("the file does not have the " + std::to_string(bytes) + " bytes that the answer names");
  return std::pair(schema, path);
}

Result<void> suspends(AppUnderTest& app) {
  MIDAIR_TRY(app.have_done("suspend", hold(kLongHold)));
  return {};
}

/// Serves again: what can be suspended is not suspended.
Result<void> serves_again(AppUnderTest& app) {
  MIDAIR_TRY(suspends(app));
  MIDAIR_TRY(app.have_done("abort"));
  return {};
}

Result<void> says_hello(const Lab& lab) {
  MIDAIR_TRY_ASSIGN(const auto app, lab.app());
  MIDAIR_TRY(app->have_done("health"));
  return {};
}

Result<void> knows_no_other_operation(const Lab& lab) {
  MIDAIR_TRY_ASSIGN(const auto app, lab.app());
  MIDAIR_TRY(app->have_refused("levitate", Object(), {"unsupported"}));
  MIDAIR_TRY(app->have_done("health"));
  return {};
}

Result<void> has_nothing_to_undo(const Lab& lab) {
  MIDAIR_TRY_ASSIGN(const auto app, lab.app());
  MIDAIR_TRY(app->have_done("abort"));
  MIDAIR_TRY(app->have_done("abort"));
  MIDAIR_TRY(app->have_done("health"));
  return {};
}

Result<void> holds_and_exports(const Lab& lab) {
  MIDAIR_TRY_ASSIGN(const auto app, lab.app());
  MIDAIR_TRY(suspends(*app));
  MIDAIR_TRY(exported_by(*app, lab));
  MIDAIR_TRY(exported_by(*app, lab));  // it keeps its state
  return {};
}

Result<void> resumes_itself(const Lab& lab) {
  MIDAIR_TRY_ASSIGN(const auto app, lab.app());
  MIDAIR_TRY(suspends(*app));
  MIDAIR_TRY(app->have_done("resume"));
  return serves_again(*app);
}

Result<void> aborts_a_suspension(const Lab& lab) {
  MIDAIR_TRY_ASSIGN(const auto app, lab.app());
  MIDAIR_TRY(serves_again(*app));
  MIDAIR_TRY(suspends(*app));
  MIDAIR_TRY(exported_by(*app, lab));
  MIDAIR_TRY(app->have_done("abort"));
  return serves_again(*app);
}

Result<void> aborts_as_successor(const Lab& lab) {
  MIDAIR_TRY_ASSIGN(const auto old, lab.app());
  MIDAIR_TRY(suspends(*old));
  MIDAIR_TRY_ASSIGN(const auto state, exported_by(*old, lab));
  MIDAIR_TRY_ASSIGN(const auto app, lab.app(true));
  MIDAIR_TRY(app->have_done("abort"));
  MIDAIR_TRY(app->have_done("prepare", upgrade()));
  MIDAIR_TRY(app->have_done("abort"));
  MIDAIR_TRY(app->have_done("prepare", upgrade()));
  MIDAIR_TRY(app->have_done("import", state_at(state.second, state.first)));
  MIDAIR_TRY(app->have_done("abort"));
  MIDAIR_TRY(app->have_done("prepare", upgrade()));
  MIDAIR_TRY(app->have_done("import", state_at(state.second, state.first)));
  MIDAIR_TRY(app->have_done("resume"));
  return {};
}

/// Each request is answered once, whichever of the two comes first, and the abort with `ok`.
Result<void> overtaken(AppUnderTest& app, const std::string& op, const Object& fields) {
  MIDAIR_TRY_ASSIGN(const std::uint64_t first, app.send(op, fields));
  MIDAIR_TRY_ASSIGN(const std::uint64_t abort, app.send("abort", Object()));
  std::set<std::uint64_t> answered;
  for (int i = 0; i < 2; ++i) {
    MIDAIR_TRY_ASSIGN(const Answer answer, app.next_answer());
    if ((answer.id != first && answer.id != abort) || !answered.insert(answer.id).second)
      return wrong("it answered id " + std::to_string(answer.id) + ", which was not asked, or is answered already");
    if (answer.id == abort && !answer.ok) return error_of("abort", answer);
  }
  return {};
}

Result<void> lets_abort_overtake(const Lab& lab) {
  MIDAIR_TRY_ASSIGN(const auto app, lab.app());
  MIDAIR_TRY(overtaken(*app, "suspend", hold(kLongHold)));
  MIDAIR_TRY(serves_again(*app));
  MIDAIR_TRY(suspends(*app));
  MIDAIR_TRY_ASSIGN(const std::string path, lab.state_file());
  MIDAIR_TRY(overtaken(*app, "export", state_at(path)));
  return serves_again(*app);
}

Result<void> lets_a_hold_expire(const Lab& lab) {
  MIDAIR_TRY_ASSIGN(const auto app, lab.app());
  MIDAIR_TRY(app->have_done("suspend", hold(kShortHold)));
  constexpr timespec kLonger{0, 400'000'000};
  ::nanosleep(&kLonger, nullptr);
  MIDAIR_TRY_ASSIGN(const std::string path, lab.state_file());
  MIDAIR_TRY(app->have_refused("export", state_at(path), {"expired"}));
  MIDAIR_TRY(app->have_refused("resume", Object(), {"expired"}));
  MIDAIR_TRY(app->have_done("abort"));
  return serves_again(*app);
}

Result<void> keeps_order(const Lab& lab) {
  MIDAIR_TRY_ASSIGN(const std::string path, lab.state_file());
  MIDAIR_TRY_ASSIGN(const auto app, lab.app());
  MIDAIR_TRY(app->have_refused("export", state_at(path), {"out_of_order"}));
  MIDAIR_TRY(app->have_refused("import", state_at(path, app->hello().schema), {"out_of_order"}));
  MIDAIR_TRY(suspends(*app));
  MIDAIR_TRY(app->have_refused("suspend", hold(kLongHold), {"out_of_order"}));
  MIDAIR_TRY_ASSIGN(const auto successor, lab.app(true));
  MIDAIR_TRY(successor->have_refused("suspend", hold(kLongHold), {"out_of_order"}));
  return successor->have_refused("export", state_at(path), {"out_of_order"});
}

Result<void> demands_its_fields(const Lab& lab) {
  MIDAIR_TRY_ASSIGN(const auto app, lab.app());
  MIDAIR_TRY(app->have_refused("suspend", Object(), {"bad_request"}));
  Object wrong_type;
  wrong_type.set("hold_ms", "long");
  MIDAIR_TRY(app->have_refused("suspend", wrong_type, {"bad_request"}));
  MIDAIR_TRY(suspends(*app));
  return app->have_refused("export", Object(), {"bad_request"});
}

Result<void> refuses_garbage(const Lab& lab) {
  MIDAIR_TRY_ASSIGN(const auto app, lab.app(true));
  MIDAIR_TRY(app->have_done("prepare", upgrade()));
  MIDAIR_TRY_ASSIGN(const std::string garbage, lab.state_file(std::string("\xff\0 this is no state", 19)));
  MIDAIR_TRY(app->have_refused("import", state_at(garbage, app->hello().schema), {}));
  MIDAIR_TRY(app->have_refused("import", state_at(garbage, "unheard-of/9"), {}));
  MIDAIR_TRY(app->have_refused("import", state_at("/nonexistent/state", app->hello().schema), {}));
  MIDAIR_TRY(app->have_done("abort"));
  return {};
}

Result<void> hands_its_state_over(const Lab& lab) {
  MIDAIR_TRY_ASSIGN(const auto old, lab.app());
  MIDAIR_TRY_ASSIGN(const auto app, lab.app(true));
  if (!app->hello().imports_schema(old->hello().schema))
    return wrong("it exports '" + old->hello().schema + "', and does not import that itself");
  MIDAIR_TRY(app->have_done("prepare", upgrade()));
  MIDAIR_TRY(suspends(*old));
  MIDAIR_TRY_ASSIGN(const auto state, exported_by(*old, lab));
  MIDAIR_TRY(app->have_done("import", state_at(state.second, state.first)));
  MIDAIR_TRY(app->have_done("resume"));
  MIDAIR_TRY(old->end());
  MIDAIR_TRY(app->have_done("health"));
  MIDAIR_TRY(suspends(*app));
  MIDAIR_TRY_ASSIGN(const auto again, exported_by(*app, lab));
  MIDAIR_TRY_ASSIGN(const std::string before, read_file(state.second, 1 << 26));
  MIDAIR_TRY_ASSIGN(const std::string after, read_file(again.second, 1 << 26));
  if (before.empty() != after.empty()) return wrong("the state was lost on its way");
  return {};
}

Result<void> survives_its_sidecar(const Lab& lab) {
  MIDAIR_TRY_ASSIGN(const auto app, lab.app());
  MIDAIR_TRY(suspends(*app));
  app->hang_up();
  constexpr milliseconds kToConnectAgain{3000};  // it may, and need not
  if (app->connects_again(kToConnectAgain)) return serves_again(*app);
  if (!app->is_alive()) return wrong("it ended with the connection");
  MIDAIR_TRY(app->end());
  return {};
}

Result<void> closes_on(const Lab& lab, const std::string& line) {
  MIDAIR_TRY_ASSIGN(const auto app, lab.app());
  MIDAIR_TRY(app->send_raw(line));
  MIDAIR_TRY(app->await_close());
  if (!app->is_alive()) return wrong("it ended with the connection");
  return {};
}

Result<void> closes_on_an_oversized_line(const Lab& lab) { return closes_on(lab, std::string(70000, 'x') + "\n"); }

Result<void> closes_on_what_is_no_message(const Lab& lab) {
  for (const char* line : {"{\"id\":7,\n", "[]\n", "\n"}) MIDAIR_TRY(closes_on(lab, line));
  return {};
}

Result<void> ends(const Lab& lab) {
  MIDAIR_TRY_ASSIGN(const auto app, lab.app());
  MIDAIR_TRY(app->end());
  return {};
}

Result<void> ends_while_it_waits(const Lab& lab) {
  MIDAIR_TRY_ASSIGN(const auto successor, lab.app(true));
  MIDAIR_TRY(successor->end());
  MIDAIR_TRY_ASSIGN(const auto app, lab.app());
  MIDAIR_TRY(suspends(*app));
  MIDAIR_TRY(app->end());
  return {};
}

Result<void> has_no_state(const Lab& lab) {
  MIDAIR_TRY_ASSIGN(const std::string path, lab.state_file());
  MIDAIR_TRY_ASSIGN(const auto app, lab.app());
  return app->have_refused("export", state_at(path), {"unsupported"});
}

Result<void> has_no_modules(const Lab& lab) {
  MIDAIR_TRY_ASSIGN(const auto app, lab.app());
  return app->have_refused("migrate", Object(), {"unsupported"});
}

Result<void> refuses_a_missing_module(const Lab& lab) {
  MIDAIR_TRY_ASSIGN(const auto app, lab.app());
  MIDAIR_TRY(app->have_refused("migrate", Object(), {"out_of_order"}));
  Object module;
  module.set("name", "nothing");
  module.set("path", "lib/nothing.so");
  module.set("build_id", "00");
  Poco::JSON::Array modules;
  modules.add(module);
  Object fields = upgrade();
  fields.set("release_dir", lab.settings().directory.string());
  fields.set("modules", modules);
  MIDAIR_TRY(app->have_refused("prepare", fields, {}));
  return serves_again(*app);
}

/// A client of the first listening socket.
Result<Fd> client_of(const Lab& lab) {
  const auto& address = *lab.settings().address;
  Fd client(::socket(address.af(), SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!client || ::connect(client.get(), address.addr(), address.length()) != 0)
    return system_error(errno, "connect to", address.toString());
  return client;
}

Result<void> waits_with_its_clients(const Lab& lab) {
  constexpr milliseconds kLongEnough{500};
  MIDAIR_TRY_ASSIGN(const auto app, lab.app(true));
  MIDAIR_TRY_ASSIGN(const Fd client, client_of(lab));
  MIDAIR_TRY(app->have_done("prepare", upgrade()));
  if (app->accepts(client.get(), kLongEnough)) return wrong("it accepted a client before it was asked to 'resume'");
  MIDAIR_TRY(app->have_done("resume"));
  if (!app->accepts(client.get(), AppUnderTest::kPatience)) return wrong("it accepted no client after 'resume'");
  return {};
}

Result<void> serves_at_once(const Lab& lab) {
  MIDAIR_TRY_ASSIGN(const auto app, lab.app());
  MIDAIR_TRY_ASSIGN(const Fd client, client_of(lab));
  if (!app->accepts(client.get(), AppUnderTest::kPatience)) return wrong("it accepted no client");
  return {};
}

}  // namespace

Result<std::string> Lab::state_file(const std::string& content) const {
  static unsigned count = 0;
  const auto path = settings_.directory / ("state-" + std::to_string(++count));
  MIDAIR_TRY_ASSIGN(const Fd file, open_file(path, O_WRONLY | O_CREAT | O_EXCL));
  MIDAIR_TRY(write_all(file.get(), content, path.string()));
  return path.string();
}

const std::vector<Check>& protocol_checks() {
  using C = Concerns;
  static const std::vector<Check> checks{
      {"it says hello and is well", "The app speaks first and says hello within 10 s", C::everybody, says_hello},
      {"it refuses an operation that it doesn't know", "`unsupported` (unknown op or capability)", C::everybody,
       knows_no_other_operation},
      {"it has nothing to undo", "Nothing to undo is `ok` too", C::everybody, has_nothing_to_undo},
      {"it closes on an oversized line", "whoever finds it closes", C::everybody, closes_on_an_oversized_line},
      {"it closes on a line that is no message", "whoever finds it closes", C::everybody, closes_on_what_is_no_message},
      {"it ends on SIGTERM", "the old gets SIGTERM and drains what it has", C::everybody, ends},
      {"it serves at once where it need not wait", "False: it serves at once", C::with_listen, serves_at_once},
      {"it has no state to export", "`unsupported` (unknown op or capability)", C::without_state, has_no_state},
      {"it has no modules to migrate", "`unsupported` (unknown op or capability)", C::without_in_place, has_no_modules},
      {"it refuses a module that isn't there", "all that can be done while the old code serves is done",
       C::with_in_place, refuses_a_missing_module},
      {"it leaves its clients waiting until it is resumed", "It MUST NOT serve until it is asked to `resume`",
       C::with_state_and_listen, waits_with_its_clients},
      {"it holds still and exports its state", "its whole state lies in that file", C::with_state, holds_and_exports},
      {"it resumes after a suspension", "It lasts until `resume` or `abort`", C::with_state, resumes_itself},
      {"it aborts a suspension and an export", "everything since `prepare` is undone", C::with_state,
       aborts_a_suspension},
      {"as successor it aborts at every step", "everything since `prepare` is undone", C::with_state,
       aborts_as_successor},
      {"it lets abort overtake", "Only `abort` MAY overtake", C::with_state, lets_abort_overtake},
      {"it lets a hold expire by itself", "the app MUST resume the old code by itself and answer `expired`",
       C::with_state, lets_a_hold_expire},
      {"it refuses what is out of order", "`out_of_order` (not now)", C::with_state, keeps_order},
      {"it refuses requests without their fields", "`bad_request` (a field is missing or wrong)", C::with_state,
       demands_its_fields},
      {"it refuses a state that is none", "the state was read and checked", C::with_state, refuses_garbage},
      {"it hands its state over to its successor", "it serves on `resume`", C::with_state, hands_its_state_over},
      {"it goes on when its sidecar is gone", "acts as if it had been asked to `abort`", C::with_state,
       survives_its_sidecar},
      {"it ends on SIGTERM while it waits, and suspended", "the old gets SIGTERM and drains what it has", C::with_state,
       ends_while_it_waits},
  };
  return checks;
}

}  // namespace midair::sidecar
