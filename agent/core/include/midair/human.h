/// @file
/// Quantities as people read them.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace midair {

/// A span in at most two units: "12s", "4m 5s", "3h 2m", "5d 1h"; "0s" for what is negative (clocks disagree).
[[nodiscard]] std::string format_age(std::chrono::nanoseconds age);

/// How long a step took: "35 ms", "2.1 s", "4m 5s".
[[nodiscard]] std::string format_took(std::chrono::nanoseconds took);

/// "812 B", "312.4 KiB", "4.4 MiB".
[[nodiscard]] std::string format_size(std::uint64_t bytes);

/// The telling end of an image reference: "registry.fly.io/web:deployment-01JBASE" -> "01JBASE".
[[nodiscard]] std::string short_image(std::string_view image_ref);

/// "1 machine", "3 machines".
[[nodiscard]] std::string count_machines(std::size_t count);

}  // namespace midair
