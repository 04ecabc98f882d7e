/// @file
/// Directories of a release that the app may write to, although the rest of it is sealed.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "midair/error.h"

namespace midair {

/// By their names in the release. On a machine each is a link to a directory that belongs to no release; what a release
/// has there itself is no part of what is verified.
struct WritablePlaces {
  std::vector<std::string> kept;   ///< the same directory for every release; in byte order, none below another
  std::vector<std::string> fresh;  ///< empty for each generation; likewise, but some may lie below a kept one

  /// Sorted, and without what is there already. Errc::bad_input for a name that check_entry_name() refuses, that of the
  /// manifest, one that is both, and a kept one below a fresh one. A slash at the end of a name is none of it.
  [[nodiscard]] static Result<WritablePlaces> make(std::vector<std::string> kept, std::vector<std::string> fresh);
  /// Those of both. Errors as of make().
  [[nodiscard]] static Result<WritablePlaces> joined(const WritablePlaces& a, const WritablePlaces& b);

  [[nodiscard]] bool empty() const { return kept.empty() && fresh.empty(); }
  /// Whether `name` is one of them, or lies below one.
  [[nodiscard]] bool contain(std::string_view name) const;

  bool operator==(const WritablePlaces&) const = default;
};

/// Which of `places` `name` is, or lies below; nullptr if it is none of them.
[[nodiscard]] const std::string* place_around(const std::vector<std::string>& places, std::string_view name);

}  // namespace midair
