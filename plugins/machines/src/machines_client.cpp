#include "machines_client.h"

#include <Poco/String.h>
#include <Poco/UUIDGenerator.h>

#include <optional>

#include "fly_error.h"
#include "json_body.h"
#include "midair/duration.h"
#include "midair/log.h"
#include "poll_pauses.h"

namespace midair::host::machines {

namespace {

constexpr const char* kCreateTag = "midair_create_id";

std::string machines_path(const std::string& app) { return api_path({"apps", app, "machines"}); }
std::string path_of(const MachineRef& machine, const std::vector<std::string>& more = {}) {
  std::vector<std::string> parts{"apps", machine.app, "machines", machine.id};
  parts.insert(parts.end(), more.begin(), more.end());
  return api_path(parts);
}

std::string body_of(const MachineSpec& spec, std::string_view config) {
  return JsonBody()
      .raw("config", config)
      .text("name", spec.name)
      .text("region", spec.region)
      .flag("skip_launch", spec.skip_launch)
      .text("current_version", spec.current_version)
      .str();
}

Result<void> done(const Result<JsonText>& answer) {
  if (!answer.ok()) return answer.error();
  return {};
}

/// What is no machine is left out with a warning; a list of nothing else is an error.
Result<std::vector<Machine>> machines_in(const JsonText& list, const std::string& app) {
  std::vector<Machine> machines;
  std::optional<Error> trouble;
  for (const auto& element : list.elements()) {
    auto machine = Machine::from_list(element);
    if (machine.ok()) {
      machines.push_back(*std::move(machine));
      continue;
    }
    trouble = machine.error();
    log(LogLevel::warning, "machine.not_understood", {{"app", app}, {"error", trouble->message()}});
  }
  if (trouble && machines.empty()) return *trouble;
  return machines;
}

}  // namespace

Result<std::vector<Machine>> MachinesClient::list_once(const std::string& app, const MachineFilter& filter,
                                                       const CallTimer& timer) {
  FlyRequest request{"list the machines", "GET", machines_path(app)};
  request.app = app;
  if (!filter.states.empty())
    request.query.emplace_back("state", Poco::cat(std::string(","), filter.states.begin(), filter.states.end()));
  if (!filter.region.empty()) request.query.emplace_back("region", filter.region);
  for (const auto& [key, value] : filter.metadata) request.query.emplace_back("metadata." + key, value);
  if (filter.summary) request.query.emplace_back("summary", "true");
  if (filter.include_deleted) request.query.emplace_back("include_deleted", "true");
  MIDAIR_TRY_ASSIGN(const auto answer, fly_->send(request, timer));
  if (!answer.is_array()) return Error{Errc::corrupt, request.op, app, "the Fly API's answer is no list"};
  return machines_in(answer, app);
}

Result<std::vector<Machine>> MachinesClient::list(const std::string& app, const MachineFilter& filter,
                                                  const CallLimits& limits) {
  const CallTimer timer(limits);
  auto machines = list_once(app, filter, timer);
  if (!machines.ok() || !machines->empty()) return machines;
  pause(patience_.empty_list, timer.stop());
  return list_once(app, filter, timer);
}

Result<Machine> MachinesClient::get(const MachineRef& machine, const CallLimits& limits) {
  FlyRequest request{"look at the machine", "GET", path_of(machine)};
  request.app = machine.app;
  request.rate = kGetMachineRate;
  MIDAIR_TRY_ASSIGN(const auto answer, fly_->send(request, CallTimer(limits)));
  return Machine::from_json(answer);
}

Result<Machine> MachinesClient::create(const std::string& app, const MachineSpec& spec, const CallLimits& limits) {
  const CallTimer timer(limits);
  const std::string tag = Poco::UUIDGenerator::defaultGenerator().createRandom().toString();
  const std::string metadata = spec.config.at("metadata").with(kCreateTag, json_string(tag));
  FlyRequest request{"create a machine", "POST", machines_path(app)};
  request.app = app;
  request.body = body_of(spec, spec.config.with("metadata", metadata));
  request.repeat = Repeat::no;
  request.patience = std::chrono::seconds(60);
  bool in_doubt = false;
  const auto answer = fly_->send(request, timer, &in_doubt);
  if (answer.ok()) return Machine::from_json(*answer);
  if (!in_doubt) return answer.error();
  return find_created(app, tag, answer.error(), timer);
}

Result<Machine> MachinesClient::find_created(const std::string& app, const std::string& tag, const Error& doubt,
                                             const CallTimer& timer) {
  const CallTimer lookup({patience_.lookup, timer.stop()});  // also where the call itself has run out of time
  MachineFilter filter;
  filter.metadata[kCreateTag] = tag;
  PollPauses pauses(patience_.first_poll);
  while (lookup.check("look for", "the machine").ok()) {
    const auto machines = list_once(app, filter, lookup);
    if (machines.ok() && !machines->empty()) return machines->front();
    pauses.wait(lookup);
  }
  Error error = doubt;
  error.code = Errc::precondition;
  error.cause += "; it is unknown whether the machine was made, none with the metadata " + std::string(kCreateTag) +
                 "=" + tag + " has shown up";
  error.hint = "look before you try again: midair machines list --metadata " + std::string(kCreateTag) + "=" + tag;
  return error;
}

Result<Machine> MachinesClient::update(const MachineRef& machine, const MachineSpec& spec, const CallLimits& limits) {
  FlyRequest request{"update the machine", "POST", path_of(machine)};
  request.app = machine.app;
  request.nonce = machine.nonce;
  request.body = body_of(spec, spec.config.text());
  request.repeat = Repeat::no;
  request.patience = std::chrono::seconds(60);
  MIDAIR_TRY_ASSIGN(const auto answer, fly_->send(request, CallTimer(limits)));
  return Machine::from_json(answer);
}

Result<void> MachinesClient::destroy(const MachineRef& machine, bool force, const CallLimits& limits) {
  FlyRequest request{"destroy the machine", "DELETE", path_of(machine)};
  request.app = machine.app;
  request.nonce = machine.nonce;
  if (force) request.query.emplace_back("force", "true");
  return done(fly_->send(request, CallTimer(limits)));
}

Result<void> MachinesClient::command(const std::string& op, const MachineRef& machine, const std::string& verb,
                                     const CallLimits& limits, const std::string& body) {
  FlyRequest request{op, "POST", path_of(machine, {verb})};
  request.app = machine.app;
  request.nonce = machine.nonce;
  request.body = body;
  return done(fly_->send(request, CallTimer(limits)));
}

Result<void> MachinesClient::start(const MachineRef& machine, const CallLimits& limits) {
  const CallTimer timer({std::min(limits.deadline, patience_.still_active), limits.stop});
  PollPauses pauses(patience_.first_poll);
  for (;;) {
    auto started = command("start the machine", machine, "start", limits);
    if (started.ok() || !is_still_active(started.error()) || !timer.check("start", machine.id).ok()) return started;
    pauses.wait(timer);
  }
}

Result<void> MachinesClient::stop(const MachineRef& machine, const std::string& signal,
                                  std::chrono::milliseconds timeout, const CallLimits& limits) {
  JsonBody body;
  body.text("signal", signal);
  if (timeout.count() > 0) body.text("timeout", format_duration(timeout));
  const bool is_plain = signal.empty() && timeout.count() == 0;
  return command("stop the machine", machine, "stop", limits, is_plain ? "" : body.str());
}

Result<void> MachinesClient::restart(const MachineRef& machine, const std::string& signal,
                                     std::chrono::milliseconds timeout, const CallLimits& limits) {
  FlyRequest request{"restart the machine", "POST", path_of(machine, {"restart"})};
  request.app = machine.app;
  request.nonce = machine.nonce;
  if (!signal.empty()) request.query.emplace_back("signal", signal);
  if (timeout.count() > 0) request.query.emplace_back("timeout", format_duration(timeout));
  request.repeat = Repeat::no;
  request.patience = std::chrono::seconds(60);
  return done(fly_->send(request, CallTimer(limits)));
}

Result<void> MachinesClient::signal(const MachineRef& machine, const std::string& signal, const CallLimits& limits) {
  FlyRequest request{"signal the machine", "POST", path_of(machine, {"signal"})};
  request.app = machine.app;
  request.nonce = machine.nonce;
  request.body = JsonBody().text("signal", signal).str();
  request.repeat = Repeat::no;
  return done(fly_->send(request, CallTimer(limits)));
}

Result<void> MachinesClient::suspend(const MachineRef& machine, const CallLimits& limits) {
  return command("suspend the machine", machine, "suspend", limits);
}

Result<void> MachinesClient::cordon(const MachineRef& machine, const CallLimits& limits) {
  return command("cordon the machine", machine, "cordon", limits);
}

Result<void> MachinesClient::uncordon(const MachineRef& machine, const CallLimits& limits) {
  return command("uncordon the machine", machine, "uncordon", limits);
}

Result<Metadata> MachinesClient::metadata(const MachineRef& machine, const CallLimits& limits) {
  MIDAIR_TRY_ASSIGN(const auto answer, read("read the metadata", machine.app, path_of(machine, {"metadata"}), limits));
  Metadata metadata;
  for (const auto& [key, value] : answer.members()) metadata[key] = value.string();
  return metadata;
}

Result<void> MachinesClient::set_metadata(const MachineRef& machine, const std::string& key, const std::string& value,
                                          const CallLimits& limits) {
  FlyRequest request{"set the metadata", "POST", path_of(machine, {"metadata", key})};
  request.app = machine.app;
  request.nonce = machine.nonce;
  request.body = JsonBody().raw("value", json_string(value)).str();
  return done(fly_->send(request, CallTimer(limits)));
}

Result<void> MachinesClient::delete_metadata(const MachineRef& machine, const std::string& key,
                                             const CallLimits& limits) {
  FlyRequest request{"delete the metadata", "DELETE", path_of(machine, {"metadata", key})};
  request.app = machine.app;
  request.nonce = machine.nonce;
  return done(fly_->send(request, CallTimer(limits)));
}

Result<ExecOutcome> MachinesClient::exec(const MachineRef& machine, const std::vector<std::string>& command,
                                         const std::string& standard_input, const CallLimits& limits) {
  std::string words;
  for (const auto& word : command) words += (words.empty() ? "" : ",") + json_string(word);
  FlyRequest request{"run a command in the machine", "POST", path_of(machine, {"exec"})};
  request.app = machine.app;
  request.nonce = machine.nonce;
  request.body = JsonBody()
                     .raw("command", "[" + words + "]")
                     .text("stdin", standard_input)
                     .number("timeout", std::chrono::ceil<std::chrono::seconds>(limits.deadline).count())
                     .str();
  request.repeat = Repeat::no;
  request.patience = limits.deadline;
  MIDAIR_TRY_ASSIGN(const auto answer, fly_->send(request, CallTimer(limits)));
  return ExecOutcome{static_cast<int>(answer.at("exit_code").integer().value_or(0)),
                     static_cast<int>(answer.at("exit_signal").integer().value_or(0)), answer.at("stdout").string(),
                     answer.at("stderr").string(), answer};
}

Result<JsonText> MachinesClient::read(const std::string& op, const std::string& app, const std::string& path,
                                      const CallLimits& limits) {
  FlyRequest request{op, "GET", path};
  request.app = app;
  return fly_->send(request, CallTimer(limits));
}

Result<JsonText> MachinesClient::processes(const MachineRef& machine, const CallLimits& limits) {
  return read("list the processes", machine.app, path_of(machine, {"ps"}), limits);
}

Result<JsonText> MachinesClient::events(const MachineRef& machine, const CallLimits& limits) {
  return read("list the events", machine.app, path_of(machine, {"events"}), limits);
}

Result<JsonText> MachinesClient::versions(const MachineRef& machine, const CallLimits& limits) {
  return read("list the versions", machine.app, path_of(machine, {"versions"}), limits);
}

}  // namespace midair::host::machines
