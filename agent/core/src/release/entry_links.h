/// @file
/// Where the links of a release lead. Nothing but the manifest is looked at, so it is known before anything is written.
#pragma once

#include <string>
#include <vector>

#include "midair/error.h"
#include "midair/release/manifest.h"

namespace midair {

/// True if `path` is a directory of the release: one that is listed, or that leads to something listed.
[[nodiscard]] bool has_directory(const Manifest& manifest, const std::string& path);

/// No link leads over more than so many others. Real trees have two or three in a row; the kernel ends at 40.
inline constexpr int kMaxLinkHops = 8;

/// What is wrong with `link`, or an empty text. Its target must be well-formed UTF-8 without control characters. A
/// relative one must lead, step by step as the kernel would go, to something that the release has, and at no step out
/// of it; over other links too, but not in a loop. An absolute one must have no ".." component. All lists of `manifest`
/// must be sorted, and its names satisfy check_entry_names_together().
[[nodiscard]] std::string find_link_problem(const Manifest& manifest, const ManifestLink& link);

/// Errc::refused names the first link that has a problem.
[[nodiscard]] Result<void> check_links(const Manifest& manifest);

}  // namespace midair
