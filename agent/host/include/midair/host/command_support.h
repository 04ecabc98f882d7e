/// @file
/// What most commands need.
#pragma once

#include <string>
#include <vector>

#include "midair/host/plugin.h"

namespace midair::host {

/// The app that the command is for, by the global option --app and the layers below it. Errc::bad_input if none names
/// a usable one.
[[nodiscard]] Result<std::string> app_of(const Invocation& invocation);

/// Prints `error` and returns the exit status that suits it.
[[nodiscard]] int fail(const Invocation& invocation, const Error& error);
/// The same with a status of the command's own.
[[nodiscard]] int fail(const Invocation& invocation, const Error& error, int exit_status);

/// Rows of cells as aligned columns, two spaces apart, each line indented by `indent` blanks. Cells are tamed and cut:
/// a stranger's line break makes no row.
[[nodiscard]] std::string columns(std::vector<std::vector<std::string>> rows, std::size_t indent);

}  // namespace midair::host
