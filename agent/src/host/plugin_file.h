/// @file
/// Plugins as files: finding them, deciding whether to trust them, mapping them.
#pragma once

#include <filesystem>
#include <vector>

#include "midair/error.h"
#include "midair/host/plugin.h"

namespace midair::host {

/// The `*.so` files of `directory`, in order of their names. Errc::not_found if it isn't there, Errc::refused if the
/// directory is open to others (see check_trusted()).
[[nodiscard]] Result<std::vector<std::filesystem::path>> list_plugin_files(const std::filesystem::path& directory);

/// Errc::refused if anybody but root and the caller could have put there what `path` leads to, for that is who runs
/// code in this process: it, each link on the way, and the directory that each of them lies in must belong to root or
/// the caller, and be writable by nobody else; but to a group if it is the caller's own, and the owner the caller.
[[nodiscard]] Result<void> check_trusted(const std::filesystem::path& path);

/// Maps a plugin for good and returns its checked descriptor. Its ABI number is read from the file first; only if that
/// fits is any of its code run (static initialisers, then midair_plugin()). It is never unmapped again, because
/// vtables and functions in it may be referred to until the process ends.
[[nodiscard]] Result<const PluginDescriptor*> map_plugin(const std::filesystem::path& path);

}  // namespace midair::host
