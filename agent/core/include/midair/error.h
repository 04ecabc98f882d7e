/// @file
/// The one error shape of Midair, and the value-or-error that carries it.
///
/// Errors are values wherever a caller is expected to act on them; exceptions are left to programmers'
/// mistakes. Foreign errors (errno, HTTP status, Poco exceptions) are translated once, at the edge.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace midair {

/// What kind of thing went wrong. Closed set: policy (retry, exit status, wording) hangs on it.
enum class Errc {
  bad_input,     ///< the caller or an operator gave something unusable
  not_found,     ///< the named thing does not exist
  precondition,  ///< a compare-and-swap lost: read again and decide
  timeout,       ///< a deadline passed
  throttled,     ///< the peer asked to slow down (429, 503 SlowDown)
  unavailable,   ///< the peer could not be reached or answered 5xx
  denied,        ///< credentials or permissions (401, 403, EACCES)
  corrupt,       ///< bytes are not what they should be (digest, length, syntax)
  refused,       ///< well-formed, but a rule forbids it
  no_space,      ///< the disk or a quota is full
  io,            ///< any other failure of the local system
  cancelled,     ///< the caller asked to stop
  bug,           ///< cannot happen
};

/// The stable lower-case name of a code ("bad_input", ...), used in JSON and logs.
[[nodiscard]] const char* to_string(Errc code) noexcept;

/// One failure: what was being done, to what, why it failed and what to do about it.
struct Error {
  Errc code = Errc::bug;
  std::string op;                                          ///< what was being done, a verb phrase: "read the manifest"
  std::string subject;                                     ///< to what: a path, a key, a URL without secrets
  std::string cause;                                       ///< why, in plain words, without a trailing full stop
  std::string hint{};                                      ///< what to do next; may be empty
  int sys = 0;                                             ///< errno, where there was one
  int http_status = 0;                                     ///< the HTTP status, where there was one
  std::string request_id{};                                ///< the server's request id, where it gave one
  std::optional<std::chrono::milliseconds> retry_after{};  ///< the server's Retry-After, where it gave one
  std::vector<Error> others{};                             ///< what else was found wrong by the same call

  /// True if the same call may succeed later without anybody changing anything.
  [[nodiscard]] bool retryable() const noexcept;
  /// "cannot <op> <subject>: <cause>" and the request id where known; no hint, one line.
  [[nodiscard]] std::string message() const;
  /// message() followed by ". Try: <hint>" where there is a hint.
  [[nodiscard]] std::string to_string() const;
};

/// Translates errno: ENOENT, EACCES, ENOSPC/EDQUOT, ETIMEDOUT ... to their codes, the rest to Errc::io.
[[nodiscard]] Error system_error(int err, std::string op, std::string subject);

/// The first of `errors`, of which there is one at least, with the rest, and theirs, as its others.
[[nodiscard]] Error first_with_others(std::vector<Error> errors);

/// A T or an Error. Dropping one is a compile error (-Werror).
template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

  [[nodiscard]] bool ok() const noexcept { return state_.index() == 0; }
  explicit operator bool() const noexcept { return ok(); }

  /// The value. Precondition: ok(); std::bad_variant_access otherwise.
  T& value() & { return std::get<0>(state_); }
  const T& value() const& { return std::get<0>(state_); }
  T&& value() && { return std::get<0>(std::move(state_)); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  /// The error. Precondition: !ok().
  [[nodiscard]] const Error& error() const& { return std::get<1>(state_); }
  [[nodiscard]] Error&& error() && { return std::get<1>(std::move(state_)); }

 private:
  std::variant<T, Error> state_;
};

/// Success without a value, or an Error.
template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)) {}

  [[nodiscard]] bool ok() const noexcept { return !error_.has_value(); }
  explicit operator bool() const noexcept { return ok(); }
  [[nodiscard]] const Error& error() const& { return *error_; }
  [[nodiscard]] Error&& error() && { return *std::move(error_); }

 private:
  std::optional<Error> error_;
};

}  // namespace midair

/// Returns the error of `expr` (a Result) from the enclosing function, if it has one.
#define MIDAIR_TRY(expr)                                                                                       \
  do {                                                                                                         \
    if (auto midair_try_result = (expr); !midair_try_result.ok()) return std::move(midair_try_result).error(); \
  } while (false)

#define MIDAIR_CONCAT_(a, b) a##b
#define MIDAIR_CONCAT(a, b) MIDAIR_CONCAT_(a, b)
/// `MIDAIR_TRY_ASSIGN(auto x, f());`: returns f's error, or declares/assigns x with its value.
#define MIDAIR_TRY_ASSIGN(lhs, expr) MIDAIR_TRY_ASSIGN_(MIDAIR_CONCAT(midair_result_, __LINE__), lhs, expr)
// NOLINTBEGIN(bugprone-macro-parentheses): they name variables
#define MIDAIR_TRY_ASSIGN_(tmp, lhs, expr)      \
  auto tmp = (expr);                            \
  if (!tmp.ok()) return std::move(tmp).error(); \
  lhs = std::move(tmp).value()
// NOLINTEND(bugprone-macro-parentheses)
