/// @file
/// What the sidecar does first where it comes as a bundle, with libraries of its own in an image of any kind.
#pragma once

namespace midair::sidecar {

/// Gives back the variables that the launcher held, for the app, and lets no library of this process load parts of the
/// image's. Before any thread is started.
void rely_on_own_means();

}  // namespace midair::sidecar
