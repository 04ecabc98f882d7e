/// @file
/// What the commands of this plugin have in common.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "commands.h"
#include "midair/host/command_support.h"

namespace midair::host::machines {

/// A command at work.
struct ApiCall {
  Invocation& invocation;
  MachinesApi& api;
  std::string app;  ///< empty for commands that need none
  std::string lease_nonce;
  CallLimits limits;

  [[nodiscard]] Console& console() const { return invocation.console(); }
  [[nodiscard]] const std::vector<std::string>& arguments() const { return invocation.arguments(); }
  [[nodiscard]] MachineRef machine(const std::string& id) const { return {app, id, lease_nonce}; }
  /// Says what is wrong with the command line.
  [[nodiscard]] int misused(const std::string& cause) const;
};

enum class NeedsApp { yes, no };
/// What runs `work` once app and API are found.
[[nodiscard]] std::function<int(Invocation&)> with_api(const Provider& provider, std::function<int(ApiCall&)> work,
                                                       NeedsApp needs_app = NeedsApp::yes);

/// Common options.
[[nodiscard]] OptionSpec base_url_option();
[[nodiscard]] OptionSpec dry_run_option();
/// --state, --region, --metadata.
[[nodiscard]] std::vector<OptionSpec> filter_options();
/// The filter that they make. Errc::bad_input for metadata without '='.
[[nodiscard]] Result<MachineFilter> filter_of(const Invocation& invocation);

/// "a,b" -> {"a", "b"}; without empty ones.
[[nodiscard]] std::vector<std::string> split(const std::string& text, const std::string& separators = ",");

using Rows = std::vector<std::vector<std::string>>;
/// `text`, or "-" if it is empty; tamed.
[[nodiscard]] std::string cell(std::string_view text);
/// Prints the API's own objects, one per line, with --json, else a table whose first row is its head. Status 0.
int print_objects(const ApiCall& call, const std::vector<JsonText>& objects, const Rows& rows);
/// The same for one array of the API: a column for each of `keys`, with that key in capitals above.
int print_array(const ApiCall& call, const JsonText& array, const std::vector<std::string>& keys);
/// JSON on one line; the same otherwise.
[[nodiscard]] std::string json_line(const JsonText& json);
/// Prints the error, or {"ok":true, `what`: name} and "`verb` name".
int report(const ApiCall& call, const Result<void>& result, const std::string& what, const std::string& name,
           const std::string& verb);

/// Does something to one machine; says what became of it: "stopped".
using MachineAction = std::function<Result<std::string>(const MachineRef&)>;
/// Does it to many at once, with progress, and prints a line for each. Status 0 if all went well, 1 if some did, else
/// that of the first error.
int for_machines(const ApiCall& call, const std::vector<std::string>& ids, const MachineAction& action);
/// The machines that the command is for: those named, or with --all those of the filter.
[[nodiscard]] Result<std::vector<std::string>> chosen_machines(const ApiCall& call);

}  // namespace midair::host::machines
