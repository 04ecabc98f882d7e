#include "config/config.h"

#include <cstdlib>
#include <stdexcept>

#include "midair/manual/suggestion.h"

namespace midair::host {

namespace {

/// BUCKET_NAME and AWS_BUCKET name a bucket, not an address.
std::string value_of_variable(const std::string& variable, const std::string& text) {
  return variable == "BUCKET_NAME" || variable == "AWS_BUCKET" ? "s3://" + text : text;
}

/// Takes over why a value doesn't suit and says where it stands. `text` of a secret is nobody's business.
Error unsuitable(const Error& why, const SettingSpec& spec, const std::string& origin) {
  const std::string cause = spec.secret ? "its value doesn't suit" : why.cause;
  return {Errc::bad_input, "use", origin, "setting '" + spec.key + "': " + cause, why.hint};
}

}  // namespace

std::optional<std::string> process_environment(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  return value == nullptr || *value == '\0' ? std::nullopt : std::optional<std::string>(value);
}

LayeredConfig::LayeredConfig(const SettingTable& table, Environment environment, ConfigFiles files)
    : table_(table),
      environment_(std::move(environment)),
      fly_(std::move(files.fly)),
      problems_(std::move(files.problems)) {
  take_yaml(files.yaml);
  check_values();
}

Error LayeredConfig::secret_in_file(const SettingSpec& spec, const std::string& origin) const {
  std::string hint = "set the variable " + (spec.env.empty() ? "of that secret" : spec.env.front());
  if (table_.find(spec.key + "_from") != nullptr) hint += " or name another variable with '" + spec.key + "_from'";
  return {Errc::bad_input, "use", origin, "'" + spec.key + "' is a secret and doesn't belong in a file", hint};
}

void LayeredConfig::take_yaml(const YamlSettings& yaml) {
  for (const auto& [key, value] : yaml) {
    const SettingSpec* spec = table_.find(key);
    if (spec == nullptr) {
      problems_.push_back({Errc::bad_input, "use", value.origin, "there is no setting '" + key + "'",
                           manual::nearest(key, table_.keys()).value_or("midair config show lists all settings")});
    } else if (spec->secret) {
      problems_.push_back(secret_in_file(*spec, value.origin));
    } else if (const auto checked = check_setting(*spec, value.text); !checked.ok()) {
      problems_.push_back(unsuitable(checked.error(), *spec, value.origin));
    } else {
      yaml_.emplace(key, value);
    }
  }
}

void LayeredConfig::check_values() {
  for (const auto& spec : table_.all()) {
    const auto value = resolve(spec);
    if (!value) continue;
    if (const auto checked = check_setting(spec, value->text); !checked.ok())
      problems_.push_back(unsuitable(checked.error(), spec, value->origin));
  }
}

std::optional<TracedValue> LayeredConfig::trace(const std::string& key) const {
  const SettingSpec* spec = table_.find(key);
  if (spec == nullptr) throw std::logic_error("the setting '" + key + "' was never declared");
  return resolve(*spec);
}

std::optional<TracedValue> LayeredConfig::resolve(const SettingSpec& spec) const {
  if (const auto given = command_line_.find(spec.key); given != command_line_.end())
    return TracedValue{given->second, "command line"};
  if (const SettingSpec* from = table_.find(spec.key + "_from"))
    if (const auto variable = resolve(*from)) return find_redirected(variable->text, from->key);
  if (auto value = find_variable(spec)) return value;
  if (const auto given = yaml_.find(spec.key); given != yaml_.end())
    return TracedValue{given->second.text, given->second.origin};
  if (auto value = find_in_fly_config(spec)) return value;
  if (!spec.fallback.empty()) return TracedValue{spec.fallback, "default"};
  return std::nullopt;
}

std::optional<TracedValue> LayeredConfig::find_variable(const SettingSpec& spec) const {
  for (const auto& name : spec.env)
    if (const auto text = environment_(name)) return TracedValue{value_of_variable(name, *text), "environment " + name};
  return std::nullopt;
}

std::optional<TracedValue> LayeredConfig::find_in_fly_config(const SettingSpec& spec) const {
  if (spec.key == "app" && fly_.app) return TracedValue{fly_.app->text, fly_.app->origin};
  for (const auto& name : spec.env)
    if (const auto value = fly_.env.find(name); value != fly_.env.end())
      return TracedValue{value_of_variable(name, value->second.text), value->second.origin};
  return std::nullopt;
}

std::optional<TracedValue> LayeredConfig::find_redirected(const std::string& variable, const std::string& key) const {
  if (const auto text = environment_(variable)) return TracedValue{*text, "environment " + variable + " (" + key + ")"};
  if (const auto value = fly_.env.find(variable); value != fly_.env.end())
    return TracedValue{value->second.text, value->second.origin + " (" + key + ")"};
  return std::nullopt;
}

std::optional<std::string> LayeredConfig::get(const std::string& key) const {
  auto value = trace(key);
  return value ? std::optional(std::move(value->text)) : std::nullopt;
}

std::optional<std::string> LayeredConfig::env(const std::string& name) const {
  if (auto text = environment_(name)) return text;
  const auto value = fly_.env.find(name);
  return value == fly_.env.end() ? std::nullopt : std::optional(value->second.text);
}

Result<void> LayeredConfig::set_from_command_line(const std::string& key, const std::string& option,
                                                  const std::string& text) {
  const SettingSpec* spec = table_.find(key);
  if (spec == nullptr) throw std::logic_error("the setting '" + key + "' was never declared");
  if (const auto checked = check_setting(*spec, text); !checked.ok())
    return Error{Errc::bad_input, "use", option, checked.error().cause, checked.error().hint};
  command_line_[key] = text;
  return {};
}

}  // namespace midair::host
