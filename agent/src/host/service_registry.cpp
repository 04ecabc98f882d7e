#include "host/service_registry.h"

#include <vector>

namespace midair::host {

Result<void> ServiceRegistry::add(const std::string& owner, std::type_index interface, const std::string& name,
                                  std::shared_ptr<void> service) {
  const std::scoped_lock lock(mutex_);
  const auto [entry, is_new] = entries_.try_emplace(Key{interface, name}, Entry{owner, std::move(service)});
  if (is_new) return {};
  return Error{Errc::refused, "offer the service", name, "the plugin '" + entry->second.owner + "' offers it already"};
}

std::shared_ptr<void> ServiceRegistry::find(std::type_index interface, const std::string& name) const {
  const std::scoped_lock lock(mutex_);
  const auto entry = entries_.find(Key{interface, name});
  return entry == entries_.end() ? nullptr : entry->second.service;
}

std::set<std::string> ServiceRegistry::names_of(const std::string& owner) const {
  const std::scoped_lock lock(mutex_);
  std::set<std::string> names;
  for (const auto& [key, entry] : entries_)
    if (entry.owner == owner) names.insert(key.second);
  return names;
}

void ServiceRegistry::withdraw(const std::string& owner) {
  std::vector<std::shared_ptr<void>> withdrawn;  // their destructors may call back: they run after the unlock
  const std::scoped_lock lock(mutex_);
  std::erase_if(entries_, [&](auto& entry) {
    if (entry.second.owner != owner) return false;
    withdrawn.push_back(std::move(entry.second.service));
    return true;
  });
}

}  // namespace midair::host
