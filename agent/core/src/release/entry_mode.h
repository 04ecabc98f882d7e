/// @file
/// Permissions of what a release holds.
#pragma once

#include <sys/stat.h>

#include "midair/release/manifest.h"

namespace midair {

/// Of an unpacked entry, before it is sealed; `passable`: a program or a directory.
[[nodiscard]] constexpr mode_t mode_of(Access access, bool passable) {
  const mode_t mode = passable ? 0755 : 0644;
  switch (access) {
    case Access::all: return mode;
    case Access::group: return mode & ~07U;
    case Access::owner: return mode & ~077U;
  }
  return mode;
}

/// Who may read it, by its mode.
[[nodiscard]] constexpr Access access_of(mode_t mode) {
  if ((mode & S_IROTH) != 0) return Access::all;
  return (mode & S_IRGRP) != 0 ? Access::group : Access::owner;
}

}  // namespace midair
