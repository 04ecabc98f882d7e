/// @file
/// The subcommands that this plugin contributes.
#pragma once

#include <memory>
#include <string>

#include "midair/machine_directory.h"
#include "midair/plugin.h"
#include "midair/store_provider.h"

namespace midair {

/// What the commands work on.
struct CommandTools {
  std::shared_ptr<StoreProvider> stores;
  std::shared_ptr<MachineDirectory> directory;
};

/// The app that the command is for, by the global option --app and the layers below it. Errc::bad_input if none names
/// a usable one.
[[nodiscard]] Result<std::string> app_of(const Invocation& invocation);

/// Prints `error` and returns the exit status that suits it.
[[nodiscard]] int fail(const Invocation& invocation, const Error& error);
/// The same for an error of StoreProvider::store(), where bad input means a wrong setting.
[[nodiscard]] int fail_without_store(const Invocation& invocation, const Error& error);

/// `midair hot`
[[nodiscard]] CommandSpec hot_command(CommandTools tools);
/// `midair status`
[[nodiscard]] CommandSpec status_command(CommandTools tools);
/// `midair faults`, only in a build with fault points: lists those of a publication.
[[nodiscard]] CommandSpec faults_command();

}  // namespace midair
