/// @file
/// The services that host and plugins offer each other.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <typeindex>

#include "midair/error.h"

namespace midair::host {

/// Services by interface and name, each with the plugin that offers it. Thread-safe.
class ServiceRegistry {
 public:
  /// Errc::refused if that interface and name are taken.
  Result<void> add(const std::string& owner, std::type_index interface, const std::string& name,
                   std::shared_ptr<void> service);
  /// Null if there is none.
  [[nodiscard]] std::shared_ptr<void> find(std::type_index interface, const std::string& name) const;
  /// The names of all services that `owner` offers.
  [[nodiscard]] std::set<std::string> names_of(const std::string& owner) const;
  /// Forgets all services of `owner`.
  void withdraw(const std::string& owner);

 private:
  struct Entry {
    std::string owner;
    std::shared_ptr<void> service;
  };
  using Key = std::pair<std::type_index, std::string>;

  mutable std::mutex mutex_;
  std::map<Key, Entry> entries_;  // guarded by mutex_
};

}  // namespace midair::host
