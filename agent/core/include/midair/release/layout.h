/// @file
/// Where things lie in the object store. Compatible with FlyDeploy's key names.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "midair/error.h"

namespace midair {

/// The keys of one app. `app` must satisfy check_app_name().
struct StoreLayout {
  std::string app;

  [[nodiscard]] std::string tarball(std::string_view version) const;            ///< releases/<app>-<version>.tar.gz
  [[nodiscard]] std::string tarball_prefix() const;                             ///< releases/<app>-
  [[nodiscard]] std::string pointer() const;                                    ///< releases/<app>-current.json
  [[nodiscard]] std::string lock() const;                                       ///< releases/<app>-deploy.lock
  [[nodiscard]] std::string results_prefix() const;                             ///< releases/<app>-results/
  [[nodiscard]] std::string results_prefix(std::string_view upgrade_id) const;  ///< ... <upgrade_id>/
  [[nodiscard]] std::string result(std::string_view upgrade_id, std::string_view machine_id) const;
  [[nodiscard]] std::string machines_prefix() const;  ///< releases/<app>-machines/
  [[nodiscard]] std::string machine(std::string_view machine_id) const;
  [[nodiscard]] std::string history_prefix() const;                 ///< releases/<app>-history/
  [[nodiscard]] std::string history(std::uint64_t sequence) const;  ///< zero-padded to 12 digits: lists in order
};

/// Names that become parts of keys and paths: 1 to 63 of [a-z0-9_-], starting with a letter or digit.
[[nodiscard]] Result<void> check_app_name(std::string_view app);
/// 1 to 64 of [A-Za-z0-9._+-], starting with a letter or digit, and not "current".
[[nodiscard]] Result<void> check_version(std::string_view version);
/// 1 to 64 of [A-Za-z0-9_-].
[[nodiscard]] Result<void> check_machine_id(std::string_view machine_id);

/// The name under which results of an upgrade are filed: the `deployment-([A-Z0-9]+)` part of
/// `hot_ref`, else the first 16 hex digits of its SHA-256 (FlyDeploy's rule, so both understand each other).
[[nodiscard]] std::string upgrade_id_of(std::string_view hot_ref);

}  // namespace midair
