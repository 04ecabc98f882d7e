/// @file
/// JSON from strangers: bounded, strict, typed, over Poco::JSON.
#pragma once

#include <Poco/JSON/Array.h>
#include <Poco/JSON/Object.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "midair/error.h"

namespace midair {

/// The highest integer that every reader of JSON agrees on, 2^53 - 1. Numbers of ours that only grow end here with an
/// error.
inline constexpr std::uint64_t kMaxJsonInteger = (std::uint64_t{1} << 53) - 1;

/// Parses one JSON object. Errc::corrupt for anything else: longer than `max_bytes`, nested deeper than 32,
/// a duplicate key, bad UTF-8, an integer beyond kMaxJsonInteger on either side of zero, trailing text. `subject` names
/// the source in errors. HTML is told apart
/// ("looks like HTML"), because captive portals and wrong endpoints answer that way.
[[nodiscard]] Result<Poco::JSON::Object::Ptr> parse_json_object(std::string_view text, const std::string& subject,
                                                                std::uint64_t max_bytes);

/// Compact JSON with keys in alphabetical order, as FlyDeploy writes it: equal objects, equal bytes.
[[nodiscard]] std::string to_canonical_json(const Poco::JSON::Object& object);

/// Reads typed fields of one object; the first problem is kept, so a reader checks once at the end.
///
/// A missing or null field gives the fallback of the `optional_` verbs and is a problem for the others; a field of
/// another JSON type is always a problem (numbers are not strings, 1.5 is not an integer).
class JsonReader {
 public:
  /// `subject` names the source in errors ("releases/app-current.json"). Keeps a reference to `object`.
  JsonReader(const Poco::JSON::Object& object, std::string subject);

  std::string string(const std::string& key);
  std::uint64_t unsigned_integer(const std::string& key);
  bool boolean(const std::string& key);
  std::string optional_string(const std::string& key, const std::string& fallback = {});
  std::optional<std::uint64_t> optional_unsigned(const std::string& key);
  std::optional<double> optional_number(const std::string& key);
  bool optional_boolean(const std::string& key, bool fallback);
  std::vector<std::string> optional_strings(const std::string& key);
  /// Null if missing or null.
  Poco::JSON::Object::Ptr optional_object(const std::string& key);
  Poco::JSON::Array::Ptr optional_array(const std::string& key);

  /// Records a problem of the caller's own ("'size' is zero").
  void complain(const std::string& problem);
  /// Errc::corrupt with the first problem, or success.
  [[nodiscard]] Result<void> finish() const;

 private:
  /// The value of `key`; empty if it is missing, null, or (a problem) `has_type` denies that it is `type`.
  Poco::Dynamic::Var field(const std::string& key, bool (*has_type)(const Poco::Dynamic::Var&), const char* type);
  void require(const std::string& key);

  const Poco::JSON::Object& object_;
  std::string subject_;
  std::string problem_;
};

}  // namespace midair
