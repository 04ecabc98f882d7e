/// @file
/// Settings merged from their layers, each value with its origin.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "config/config_files.h"
#include "config/settings.h"
#include "midair/host/plugin.h"

namespace midair::host {

/// Gives the value of an environment variable, or nothing.
using Environment = std::function<std::optional<std::string>(const std::string& name)>;

/// The environment of this process. An empty variable counts as unset.
[[nodiscard]] std::optional<std::string> process_environment(const std::string& name);

/// A setting's value and where it came from.
struct TracedValue {
  std::string text;
  std::string origin;  ///< "command line", "environment AWS_REGION", "midair.yaml:3", "default"
};

/// The merged settings. set_from_command_line() must not run beside other calls; everything else is const.
class LayeredConfig final : public Config {
 public:
  /// Keeps a reference to `table`.
  LayeredConfig(const SettingTable& table, Environment environment, ConfigFiles files);

  [[nodiscard]] std::optional<std::string> get(const std::string& key) const override;
  [[nodiscard]] std::optional<std::string> env(const std::string& name) const override;

  /// The value with its origin, or nothing where no layer gives one. std::logic_error for undeclared keys.
  [[nodiscard]] std::optional<TracedValue> trace(const std::string& key) const;
  /// The topmost layer: `option` ("--store") gives `text`. Errc::bad_input if that doesn't suit the setting.
  Result<void> set_from_command_line(const std::string& key, const std::string& option, const std::string& text);
  /// What is wrong with the files and the environment: unusable files, unknown keys, secrets in files, unparsable
  /// values. While there is anything, values are only good for showing them.
  [[nodiscard]] const std::vector<Error>& problems() const { return problems_; }
  [[nodiscard]] const SettingTable& table() const { return table_; }

 private:
  [[nodiscard]] std::optional<TracedValue> resolve(const SettingSpec& spec) const;
  [[nodiscard]] std::optional<TracedValue> find_variable(const SettingSpec& spec) const;
  [[nodiscard]] std::optional<TracedValue> find_in_fly_config(const SettingSpec& spec) const;
  [[nodiscard]] std::optional<TracedValue> find_redirected(const std::string& variable, const std::string& key) const;
  void take_yaml(const YamlSettings& yaml);
  [[nodiscard]] Error secret_in_file(const SettingSpec& spec, const std::string& origin) const;
  void check_values();

  const SettingTable& table_;
  Environment environment_;
  std::map<std::string, FileValue> yaml_;
  FlyConfig fly_;
  std::map<std::string, std::string> command_line_;
  std::vector<Error> problems_;
};

}  // namespace midair::host
