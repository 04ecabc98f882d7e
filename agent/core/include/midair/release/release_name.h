/// @file
/// What one publication of a release is known by.
#pragma once

#include <cstdint>
#include <string>

namespace midair {

/// The facts that pointer, target, journal, marker and record hand on. Whatever has them is one: it is copied as a
/// whole by `marker.name() = target.name()`. The base image has no name: all fields are empty then, but for
/// `base_image_ref` where it is known. Documents spell some of these otherwise, see Pointer.
struct ReleaseName {
  std::string version;         ///< names the bytes for ever, see check_version()
  std::string digest;          ///< SHA-256 of the tarball, 64 hex digits; empty where FlyDeploy published
  std::string hot_ref;         ///< names this publication; unique
  std::string base_image_ref;  ///< the image whose machines it is for
  std::uint64_t sequence = 0;  ///< of this publication, only grows; 0 where FlyDeploy published

  /// The name alone, of whatever has it.
  [[nodiscard]] ReleaseName& name() { return *this; }
  [[nodiscard]] const ReleaseName& name() const { return *this; }
};

}  // namespace midair
