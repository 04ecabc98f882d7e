/// @file
/// The messages of the upgrade protocol, version 1, as bytes: parsed strictly, formatted as one line.
///
/// sidecar/README.md specifies them. Bounded and safe on any bytes; nothing here waits or keeps state.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "midair/error.h"
#include "midair/json/json.h"

namespace midair::sidecar {

/// The longest line, its newline counted.
inline constexpr std::size_t kMaxMessageBytes = 65536;
inline constexpr std::uint64_t kProtocolVersion = 1;

/// How an app introduces itself.
struct Hello {
  std::string sdk;                     ///< free text, for logs
  bool keeps_state = false;            ///< capability `state`
  bool swaps_in_place = false;         ///< capability `in-place`
  std::string schema{};                ///< of the state that it exports; empty without `state`
  std::vector<std::string> imports{};  ///< schemas that it can import

  [[nodiscard]] bool imports_schema(std::string_view name) const;
};

/// What the sidecar answers to a hello.
struct Welcome {
  std::uint64_t generation = 0;
  std::string digest{};  ///< of the release that the process was started on; empty: the base image
  bool wait = false;     ///< it must not serve until it is asked to `resume`
};

/// An answer to a request.
struct Answer {
  std::uint64_t id = 0;
  bool ok = false;
  std::string code{};                ///< without ok: one of the specification's; an unknown one was made `failed`
  std::string error{};               ///< without ok: one line for a person
  Poco::JSON::Object::Ptr fields{};  ///< all of the message
};

/// True for the name of a state's layout: 1 to 64 bytes of [A-Za-z0-9._/-].
[[nodiscard]] bool is_schema_name(std::string_view name);

/// Reads a line without its newline. Errc::refused if it speaks another version of the protocol, Errc::corrupt if it is
/// not a hello.
[[nodiscard]] Result<Hello> parse_hello(std::string_view line);

/// Reads a line without its newline. Errc::corrupt if it is not an answer.
[[nodiscard]] Result<Answer> parse_answer(std::string_view line);

/// "cannot have the app do '<op>': <cause>"
[[nodiscard]] Error request_error(Errc code, const std::string& op, std::string cause);
/// What an answer without `ok` means to the sidecar. `busy` is retryable.
[[nodiscard]] Error error_of(const std::string& op, const Answer& answer);

/// Each of these is a line with its newline.
[[nodiscard]] std::string format_welcome(const Welcome& welcome);
[[nodiscard]] std::string format_refused(const std::string& error);
/// `fields` are what the operation has besides `id`, `op` and `deadline_ms`. Errc::bad_input if the line gets too long.
[[nodiscard]] Result<std::string> format_request(std::uint64_t id, const std::string& op,
                                                 std::chrono::milliseconds deadline, Poco::JSON::Object fields);

}  // namespace midair::sidecar
