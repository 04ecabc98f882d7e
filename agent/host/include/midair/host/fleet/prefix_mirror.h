/// @file
/// A local copy of the small objects below one prefix.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "midair/store/object_store.h"

namespace midair::host {

/// Keeps the text of every object below a prefix, for the price of one LIST and one GET per *changed* object. Not
/// thread-safe.
class PrefixMirror {
 public:
  struct Entry {
    Etag etag;                          ///< as the listing spells it
    std::string text;                   ///< empty where `unreadable` is set
    std::optional<Error> unreadable{};  ///< too long
  };

  /// Objects of more than `max_size` bytes are kept as unreadable.
  PrefixMirror(std::string prefix, std::uint64_t max_size) : prefix_(std::move(prefix)), max_size_(max_size) {}

  /// Brings the copy up to date and returns the keys of objects that are new, changed or gone. On an error
  /// nothing is taken over, so that no change is ever missed.
  Result<std::vector<std::string>> refresh(ObjectStore& store, const CallLimits& limits);

  /// By key.
  [[nodiscard]] const std::map<std::string, Entry>& entries() const { return entries_; }
  /// What lies between the prefix and ".json" in `key`; empty if the key has another form.
  [[nodiscard]] std::string stem_of(const std::string& key) const;

 private:
  std::string prefix_;
  std::uint64_t max_size_;
  std::map<std::string, Entry> entries_;
};

}  // namespace midair::host
