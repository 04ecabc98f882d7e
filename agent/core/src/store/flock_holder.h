/// @file
/// Who holds an flock(2), for errors that shall name him.
#pragma once

#include <string>

namespace midair {

/// "process 1234 (midair, stopped)": who holds an exclusive flock of the open file `fd`, as far as the kernel tells us;
/// empty if it doesn't, as of a process in another container.
[[nodiscard]] std::string flock_holder(int fd);

}  // namespace midair
