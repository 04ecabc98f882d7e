/// @file
/// How a step that takes a while says that it is done.
#pragma once

#include <functional>

#include "midair/error.h"

namespace midair::sidecar {

/// Ends a step: called exactly once, on the loop thread, never from inside the call that began the step.
using StepDone = std::function<void(Result<void>)>;

}  // namespace midair::sidecar
