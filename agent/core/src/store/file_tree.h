/// @file
/// Walking a tree of directories without ever following a symbolic link.
///
/// Paths are relative to an open directory and taken one segment at a time, so that no link, also none put there in
/// mid-walk, leads outside.
#pragma once

#include <dirent.h>
#include <sys/stat.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "midair/error.h"
#include "midair/fd.h"

namespace midair {

/// Opens the directory `path` ("" for `root` itself) below `root`. Errc::not_found where a segment is missing or no
/// directory.
[[nodiscard]] Result<Fd> open_directory_below(int root, std::string_view path);

/// The same, creating what is missing with mode 0700, durably. Errc::bad_input where a segment is no directory.
[[nodiscard]] Result<Fd> create_directory_below(int root, std::string_view path);

/// Removes `path` and its parents below `root` as long as they are empty; stops silently at the first that isn't.
void remove_empty_directories_below(int root, std::string_view path);

/// The status of the regular file `name` in `directory`; nothing if there is no such *regular* file.
[[nodiscard]] Result<std::optional<struct stat>> regular_file_in(int directory, const std::string& name);

/// Calls `visit` with the path below `root` and the status of every regular file below the directory `path`, in no
/// order. Nothing at all where `path` is no directory.
[[nodiscard]] Result<void> for_each_file_below(
    int root, const std::string& path, const std::function<Result<void>(std::string path, const struct stat&)>& visit);

}  // namespace midair
