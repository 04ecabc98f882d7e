#include "cli/invocation.h"

#include <algorithm>
#include <stdexcept>

#include "midair/duration.h"

namespace midair::host {

ParsedInvocation::ParsedInvocation(const CommandSpec& command, const CommandLine& line, const Config& config,
                                   Console& console, std::stop_token stop)
    : command_(command), line_(line), config_(config), console_(console), stop_(std::move(stop)) {}

const OptionSpec& ParsedInvocation::option(const std::string& name) const {
  for (const auto* options : {&command_.options, &global_options()}) {
    const auto found = std::find_if(options->begin(), options->end(), [&](const auto& o) { return o.name == name; });
    if (found != options->end()) return *found;
  }
  throw std::logic_error("midair " + command_.name + " has no option --" + name);
}

bool ParsedInvocation::flag(const std::string& name) const {
  const OptionSpec& spec = option(name);
  if (line_.flag(name)) return true;
  return !spec.config_key.empty() && config_.get(spec.config_key) == "true";
}

std::optional<std::string> ParsedInvocation::text(const std::string& name) const {
  const OptionSpec& spec = option(name);
  if (auto given = line_.text(name)) return given;
  if (!spec.config_key.empty())
    if (auto setting = config_.get(spec.config_key)) return setting;
  return spec.fallback.empty() ? std::nullopt : std::optional(spec.fallback);
}

std::vector<std::string> ParsedInvocation::texts(const std::string& name) const {
  const auto given = line_.texts.find(option(name).name);
  return given == line_.texts.end() ? std::vector<std::string>() : given->second;
}

std::optional<std::int64_t> ParsedInvocation::integer(const std::string& name) const {
  const auto value = text(name);
  return value ? std::optional<std::int64_t>(std::stoll(*value)) : std::nullopt;
}

std::optional<std::chrono::milliseconds> ParsedInvocation::duration(const std::string& name) const {
  const auto value = text(name);
  return value ? std::optional(parse_duration(*value).value()) : std::nullopt;
}

Result<void> ParsedInvocation::check_required() const {
  for (const auto& spec : command_.options) {
    if (!spec.required || text(spec.name)) continue;
    return Error{Errc::bad_input, "run", "midair " + command_.name, "--" + spec.name + " is missing",
                 "midair help " + command_.name};
  }
  return {};
}

}  // namespace midair::host
