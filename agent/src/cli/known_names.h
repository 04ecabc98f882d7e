/// @file
/// Names that shells complete.
#pragma once

#include <string>

#include "midair/host/plugin.h"
#include "midair/host/store_provider.h"

namespace midair::host {

/// Prints "apps" or the "machines" of the app that is named, one per line, as the store knows them: what `midair
/// completion apps|machines` is. Somebody waits with a finger on the tabulator: whatever goes wrong, or takes longer
/// than a second, ends in silence and with status 0, the process included.
[[nodiscard]] int print_known_names(const std::string& what, StoreProvider& provider, const Invocation& invocation);

}  // namespace midair::host
