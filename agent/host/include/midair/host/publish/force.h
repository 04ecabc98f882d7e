/// @file
/// What the user takes upon themselves with --force.
#pragma once

namespace midair::host {

/// yes: take the lock from whoever holds it, and publish although no running machine is covered.
enum class Force { no, yes };

}  // namespace midair::host
