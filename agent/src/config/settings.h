/// @file
/// Which settings exist: the core's and those that plugins declare.
#pragma once

#include <string>
#include <vector>

#include "midair/error.h"
#include "midair/host/plugin.h"

namespace midair::host {

/// The declared settings. Not thread-safe; complete before a Config is built from it.
class SettingTable {
 public:
  /// Starts with the core's settings.
  SettingTable();
  /// Errc::refused if the key is taken.
  Result<void> add(SettingSpec spec);
  /// Null if nobody declared `key`.
  [[nodiscard]] const SettingSpec* find(const std::string& key) const;
  [[nodiscard]] const std::vector<SettingSpec>& all() const { return specs_; }
  /// The keys of all settings, for suggestions.
  [[nodiscard]] std::vector<std::string> keys() const;

 private:
  std::vector<SettingSpec> specs_;
};

/// What `midair` knows by itself. README.md explains each.
[[nodiscard]] const std::vector<SettingSpec>& core_settings();

/// Why `text` is no value of that kind ("'abc' is no integer"), or success. Only `cause` and `hint` are set.
[[nodiscard]] Result<void> check_value(OptionKind kind, const std::string& text);
/// The same for a setting, some of which allow less than their kind does (log_level, store).
[[nodiscard]] Result<void> check_setting(const SettingSpec& spec, const std::string& text);

}  // namespace midair::host
