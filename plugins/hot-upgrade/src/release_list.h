/// @file
/// `midair hot --list`: what would be packed.
#pragma once

#include "midair/error.h"
#include "midair/host/plugin.h"
#include "midair/release/release_archive.h"

namespace midair::host::hot {

/// Prints each entry with its size and what is left out with its reason, then how much it is; with --json an object for
/// each. Needs neither app nor store. Errors of list_release().
[[nodiscard]] Result<void> print_release_list(const std::filesystem::path& directory, const PackOptions& options,
                                              Console& console, const std::stop_token& stop);

}  // namespace midair::host::hot
