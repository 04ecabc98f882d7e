/// @file
/// The conformance suite of the upgrade protocol, for whoever implements the app's side.
#pragma once

#include <iosfwd>
#include <string>
#include <vector>

#include "midair/error.h"
#include "sockets/listen_spec.h"

namespace midair::sidecar {

/// What `midair-sidecar protocol-check` was told.
struct ProtocolCheckOptions {
  std::vector<std::string> command;
  std::vector<ListenSpec> listen;  ///< at most one; with it, the checks also see whether the app accepts clients
  std::string only;                ///< the checks whose names contain it; empty: all
  bool json = false;
};

/// Plays the sidecar to fresh processes of the app, one for each check, and writes a line for each: what conforms, what
/// does not and why, what the app's capabilities spare it. Returns whether everything conforms, or why nothing could be
/// checked. Blocks, at most some ten seconds for each check.
[[nodiscard]] Result<bool> check_protocol(const ProtocolCheckOptions& options, std::ostream& out);

}  // namespace midair::sidecar
