/// @file
/// Descriptors that one generation of an app leaves to the next.
#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "midair/error.h"
#include "midair/fd.h"
#include "sockets/descriptor_name.h"

namespace midair::sidecar {

/// What apps stored with FDSTORE=1. Unlike systemd, which keeps several of one name, the newest of a name wins: a
/// generation that stores its state twice must not hand over both.
class FdStore {
 public:
  static constexpr std::size_t kCapacity = 128;

  /// Keeps `fd` under `name` and closes what was there. Errc::bad_input for a bad name, Errc::refused when full.
  [[nodiscard]] Result<void> add(std::string name, Fd fd);
  /// Closes and forgets; nothing happens if there is no such name.
  void remove(const std::string& name);
  /// Name and descriptor of each, oldest first. Descriptors stay owned here, valid until add() or remove().
  [[nodiscard]] std::vector<std::pair<std::string, int>> named() const;

 private:
  std::vector<std::pair<std::string, Fd>> kept_;
};

}  // namespace midair::sidecar
