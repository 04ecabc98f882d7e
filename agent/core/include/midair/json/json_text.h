/// @file
/// JSON that passes through unharmed: parts of a document can be read, and passed on byte for byte.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "midair/error.h"

namespace midair {

/// One value of a document that was checked as a whole: an object, an array, a string, ... or nothing, where a member
/// is absent. Cheap to copy; each copy keeps the whole document. No member of it throws.
class JsonText {
 public:
  /// Nothing.
  JsonText() = default;
  /// Checks as parse_json_object() does, but arrays are welcome too, and integers of any size, as they may be passed on
  /// unread. Errc::corrupt.
  static Result<JsonText> parse(std::string text, const std::string& subject, std::uint64_t max_bytes);

  /// The bytes as they came; empty for nothing.
  [[nodiscard]] std::string_view text() const { return text_; }
  [[nodiscard]] bool is_object() const { return text_.starts_with('{'); }
  [[nodiscard]] bool is_array() const { return text_.starts_with('['); }
  [[nodiscard]] bool is_string() const { return text_.starts_with('"'); }
  /// Absent or null.
  [[nodiscard]] bool empty() const { return text_.empty() || text_ == "null"; }

  using Member = std::pair<std::string, JsonText>;
  /// Of an object, in its order; else none.
  [[nodiscard]] std::vector<Member> members() const;
  /// Of an array; else none.
  [[nodiscard]] std::vector<JsonText> elements() const;
  /// The member `key` of an object; nothing if there is none.
  [[nodiscard]] JsonText at(std::string_view key) const;

  /// The text of a string; `fallback` for anything else.
  [[nodiscard]] std::string string(const std::string& fallback = {}) const;
  /// Nothing for what is no integer, and for one beyond kMaxJsonInteger on either side of zero.
  [[nodiscard]] std::optional<std::int64_t> integer() const;
  [[nodiscard]] bool is_true() const { return text_ == "true"; }

  /// This object with the member `key` replaced, or added at the end; `value` is JSON. All else keeps its bytes. What
  /// is no object is taken for {}.
  [[nodiscard]] std::string with(std::string_view key, std::string_view value) const;

 private:
  JsonText(std::shared_ptr<const std::string> document, std::string_view text)
      : document_(std::move(document)), text_(text) {}

  std::shared_ptr<const std::string> document_;
  std::string_view text_;  ///< of *document_, without blanks around it
};

/// `text` as a JSON string, quotes included.
[[nodiscard]] std::string json_string(std::string_view text);

}  // namespace midair
