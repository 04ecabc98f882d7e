#include "command_kit.h"

#include <Poco/String.h>
#include <Poco/StringTokenizer.h>

#include <algorithm>
#include <mutex>
#include <optional>

#include "json_body.h"
#include "midair/clock.h"
#include "midair/foreign_text.h"
#include "midair/parallel.h"

namespace midair::host::machines {

namespace {

/// Concurrency beyond this only earns refusals.
constexpr std::int64_t kMostAtOnce = 64;

std::size_t at_once(const Invocation& invocation) {
  return static_cast<std::size_t>(
      std::clamp<std::int64_t>(invocation.integer("concurrency").value_or(8), 1, kMostAtOnce));
}

/// What people read; timestamps come as milliseconds since 1970.
std::string text_of(const std::string& key, const JsonText& value) {
  if (key == "timestamp" && value.integer())
    return format_rfc3339(WallTime(std::chrono::milliseconds(*value.integer())));
  return value.is_string() ? value.string() : std::string(value.text());
}

/// Prints what became of machines, in the order in which it becomes known. Thread-safe.
class Tally {
 public:
  Tally(Console& console, std::size_t count) : console_(console), count_(count) { console_.progress(progress()); }

  void add(const std::string& id, const Result<std::string>& outcome) {
    const std::lock_guard lock(mutex_);
    ++finished_;
    if (!outcome.ok() && !first_error_) first_error_ = outcome.error();
    if (outcome.ok()) ++succeeded_;
    if (console_.json()) {
      JsonBody line;
      line.text("machine_id", id).raw("ok", outcome.ok() ? "true" : "false");
      console_.print_json_line(
          (outcome.ok() ? line.text("state", *outcome) : line.text("error", outcome.error().message())).str());
    } else if (outcome.ok()) {
      console_.print(cell(id) + "  " + cell(*outcome) + "\n");
    }
    if (!outcome.ok()) console_.print_error(outcome.error());
    if (finished_ < count_) console_.progress(progress());
  }

  [[nodiscard]] int status() const {
    if (!first_error_) return kExitOk;
    if (first_error_->code == Errc::cancelled) return kExitInterrupted;
    return succeeded_ > 0 ? kExitPartial : exit_status_of(*first_error_);
  }

 private:
  [[nodiscard]] std::string progress() const {
    return std::to_string(finished_) + " of " + std::to_string(count_) + " machines";
  }

  Console& console_;
  const std::size_t count_;
  std::mutex mutex_;
  std::size_t finished_ = 0;
  std::size_t succeeded_ = 0;
  std::optional<Error> first_error_;
};

}  // namespace

int ApiCall::misused(const std::string& cause) const {
  return fail(invocation, {Errc::bad_input, "understand", "the command line", cause, "add --help"}, kExitUsage);
}

std::function<int(Invocation&)> with_api(const Provider& provider, std::function<int(ApiCall&)> work,
                                         NeedsApp needs_app) {
  return [provider, work = std::move(work), needs_app](Invocation& invocation) {
    const auto app = app_of(invocation);
    if (!app.ok() && needs_app == NeedsApp::yes) return fail(invocation, app.error());
    const auto api = provider.api->api();
    if (!api.ok()) return fail(invocation, api.error(), kExitConfig);
    ApiCall call{invocation, **api, app.ok() ? *app : "", provider.lease_nonce, {.stop = invocation.stop()}};
    return work(call);
  };
}

OptionSpec base_url_option() {
  return {"base-url", OptionKind::text, "URL", "where the Machines API is", "machines.base_url"};
}

OptionSpec dry_run_option() { return {"dry-run", OptionKind::flag, "", "say what would be done and change nothing"}; }

std::vector<OptionSpec> filter_options() {
  return {{"state", OptionKind::text, "STATE,...", "only machines in one of these states"},
          {"region", OptionKind::text, "REGION", "only machines in this region"},
          {"metadata", OptionKind::text, "KEY=VALUE,...", "only machines with this metadata"}};
}

Result<MachineFilter> filter_of(const Invocation& invocation) {
  MachineFilter filter;
  filter.states = split(invocation.text("state").value_or(""));
  filter.region = invocation.text("region").value_or("");
  for (const auto& pair : split(invocation.text("metadata").value_or(""))) {
    const auto equals = pair.find('=');
    if (equals == std::string::npos || equals == 0)
      return Error{Errc::bad_input, "understand", "--metadata " + pair, "it has no value", "write KEY=VALUE"};
    filter.metadata[pair.substr(0, equals)] = pair.substr(equals + 1);
  }
  return filter;
}

std::vector<std::string> split(const std::string& text, const std::string& separators) {
  const Poco::StringTokenizer parts(text, separators,
                                    Poco::StringTokenizer::TOK_IGNORE_EMPTY | Poco::StringTokenizer::TOK_TRIM);
  return {parts.begin(), parts.end()};
}

std::string cell(std::string_view text) { return text.empty() || text == "null" ? "-" : tame(text); }

std::string json_line(const JsonText& json) {
  std::string line(json.text());
  std::ranges::replace_if(
      line, [](char c) { return c == '\n' || c == '\r'; }, ' ');  // none of them is in a string
  return line;
}

int print_objects(const ApiCall& call, const std::vector<JsonText>& objects, const Rows& rows) {
  if (call.console().json()) {
    for (const auto& object : objects) call.console().print_json_line(json_line(object));
  } else {
    call.console().print(rows.size() > 1 ? columns(rows, 0) : "none\n");
  }
  return kExitOk;
}

int print_array(const ApiCall& call, const JsonText& array, const std::vector<std::string>& keys) {
  Rows rows(1);
  for (const auto& key : keys) rows[0].push_back(Poco::toUpper(key));
  for (const auto& element : array.elements()) {
    auto& row = rows.emplace_back();
    for (const auto& key : keys) {
      row.push_back(cell(text_of(key, element.at(key))));
    }
  }
  return print_objects(call, array.elements(), rows);
}

int report(const ApiCall& call, const Result<void>& result, const std::string& what, const std::string& name,
           const std::string& verb) {
  if (!result.ok()) return fail(call.invocation, result.error());
  if (call.console().json())
    call.console().print_json_line(JsonBody().text(what, name).raw("ok", "true").str());
  else
    call.console().print(verb + " " + cell(name) + "\n");
  return kExitOk;
}

int for_machines(const ApiCall& call, const std::vector<std::string>& ids, const MachineAction& action) {
  Tally tally(call.console(), ids.size());
  for_each_parallel(
      ids.size(), [&](std::size_t i) { tally.add(ids[i], action(call.machine(ids[i]))); }, at_once(call.invocation));
  return tally.status();
}

Result<std::vector<std::string>> chosen_machines(const ApiCall& call) {
  const bool all = call.invocation.flag("all");
  if (all == !call.arguments().empty())
    return Error{Errc::bad_input, "choose", "the machines", all ? "both --all and ids are given" : "none is named",
                 "name ids, or say --all, which --state, --region and --metadata narrow down"};
  MIDAIR_TRY_ASSIGN(MachineFilter filter, filter_of(call.invocation));
  const bool filtered = !filter.states.empty() || !filter.region.empty() || !filter.metadata.empty();
  if (!all && filtered)
    return Error{Errc::bad_input, "choose", "the machines", "ids are given, and --state, --region or --metadata too",
                 "these narrow down --all; 'machines wait' takes the state to wait for with --for"};
  if (!all) return call.arguments();
  filter.summary = true;
  MIDAIR_TRY_ASSIGN(const auto machines, call.api.list(call.app, filter, call.limits));
  std::vector<std::string> ids;
  ids.reserve(machines.size());
  for (const auto& machine : machines) ids.push_back(machine.id);
  if (ids.empty()) return Error{Errc::not_found, "choose", "the machines", "there is none", "midair machines list"};
  return ids;
}

}  // namespace midair::host::machines
