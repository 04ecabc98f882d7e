/// @file
/// The JSON bodies of requests.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "midair/json/json_text.h"

namespace midair::host::machines {

/// Builds one object, member by member; empty texts and zeroes are left out, because for the API they mean "not said".
class JsonBody {
 public:
  JsonBody& text(std::string_view key, std::string_view value) {
    return value.empty() ? *this : raw(key, json_string(value));
  }
  JsonBody& number(std::string_view key, std::int64_t value) {
    return value == 0 ? *this : raw(key, std::to_string(value));
  }
  JsonBody& flag(std::string_view key, bool value) { return value ? raw(key, "true") : *this; }
  /// `value` is JSON.
  JsonBody& raw(std::string_view key, std::string_view value) {
    members_ += (members_.empty() ? "" : ",") + json_string(key) + ":" + std::string(value);
    return *this;
  }
  [[nodiscard]] std::string str() const { return "{" + members_ + "}"; }

 private:
  std::string members_;
};

}  // namespace midair::host::machines
