/// @file
/// The last line of defence against secrets in text that leaves the process. The first is the type Secret.
#pragma once

#include <string>
#include <string_view>

namespace midair {

/// `text` with what looks like a secret replaced: tokens of Fly (fm2_..., fm1r_..., fm1a_..., fo1_...), whatever
/// follows `Bearer ` and `FlyV1 `, keys of AWS (AKIA..., ASIA...) and Tigris (tid_..., tsec_...), and passwords in
/// URLs. The prefix stays, so that one can tell what was there: "fm2_***". log() and Console::print_error() apply it to
/// all they write.
[[nodiscard]] std::string redact(std::string_view text);

}  // namespace midair
