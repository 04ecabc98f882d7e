#include "midair/json/json_text.h"

#include <Poco/JSONString.h>

#include <algorithm>
#include <charconv>

#include "midair/json/json.h"
#include "midair/json/strict_json.h"
#include "utf8.h"

namespace midair {

namespace {

/// Finds where values end. The text is known to be JSON; should this code and the parser ever disagree, it ends early.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  /// The next value, without blanks around it.
  std::string_view value() {
    skip_blanks();
    const std::size_t begin = at_;
    if (is_next('"')) {
      skip_string();
    } else if (is_next('{') || is_next('[')) {
      skip_nested();
    } else {
      seek(",]} \t\r\n");
    }
    return text_.substr(begin, at_ - begin);
  }

  /// Takes `c` if it is next.
  bool take(char c) {
    skip_blanks();
    const bool found = is_next(c);
    at_ += found ? 1 : 0;
    return found;
  }

 private:
  [[nodiscard]] bool is_next(char c) const { return at_ < text_.size() && text_[at_] == c; }
  void skip_blanks() { at_ = std::min(text_.find_first_not_of(" \t\r\n", at_), text_.size()); }
  bool seek(const char* any_of) {
    at_ = std::min(text_.find_first_of(any_of, at_), text_.size());
    return at_ < text_.size();
  }
  void skip(std::size_t count) { at_ = std::min(at_ + count, text_.size()); }

  void skip_string() {
    skip(1);
    while (seek("\"\\") && text_[at_] == '\\') skip(2);
    skip(1);
  }
  void skip_nested() {
    int depth = 0;
    do {
      if (!seek("\"{}[]")) return;
      if (text_[at_] == '"') {
        skip_string();
        continue;
      }
      depth += text_[at_] == '{' || text_[at_] == '[' ? 1 : -1;
      skip(1);
    } while (depth > 0);
  }

  const std::string_view text_;
  std::size_t at_ = 0;
};

/// The text of a JSON string.
std::string unquoted(std::string_view quoted) {
  const std::string_view inner = quoted.substr(1, quoted.size() - 2);
  if (inner.find('\\') == inner.npos) return std::string(inner);
  const auto object = parse_json_object("{\"v\":" + std::string(quoted) + "}", "a string", quoted.size() + 16);
  return object.ok() ? (*object)->getValue<std::string>("v") : std::string(inner);
}

}  // namespace

Result<JsonText> JsonText::parse(std::string text, const std::string& subject, std::uint64_t max_bytes) {
  const auto document = std::make_shared<const std::string>(std::move(text));
  MIDAIR_TRY(check_json(*document, subject, max_bytes));
  return JsonText(document, Scanner(*document).value());
}

std::vector<JsonText::Member> JsonText::members() const {
  std::vector<Member> members;
  Scanner scanner(text_);
  if (!is_object() || !scanner.take('{') || scanner.take('}')) return members;
  do {
    std::string key = unquoted(scanner.value());
    scanner.take(':');
    members.emplace_back(std::move(key), JsonText(document_, scanner.value()));
  } while (scanner.take(','));
  return members;
}

std::vector<JsonText> JsonText::elements() const {
  std::vector<JsonText> elements;
  Scanner scanner(text_);
  if (!is_array() || !scanner.take('[') || scanner.take(']')) return elements;
  do {
    elements.push_back(JsonText(document_, scanner.value()));
  } while (scanner.take(','));
  return elements;
}

JsonText JsonText::at(std::string_view key) const {
  for (auto& [name, value] : members())
    if (name == key) return value;
  return {};
}

std::string JsonText::string(const std::string& fallback) const { return is_string() ? unquoted(text_) : fallback; }

std::optional<std::int64_t> JsonText::integer() const {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text_.data(), text_.data() + text_.size(), number);
  const bool is_integer = error == std::errc() && end == text_.data() + text_.size();
  constexpr auto kMax = static_cast<std::int64_t>(kMaxJsonInteger);
  return is_integer && number <= kMax && number >= -kMax ? std::optional(number) : std::nullopt;
}

std::string JsonText::with(std::string_view key, std::string_view value) const {
  for (const auto& [name, old] : members()) {
    if (name != key) continue;
    const auto offset = static_cast<std::size_t>(old.text_.data() - text_.data());
    return std::string(text_).replace(offset, old.text_.size(), value);
  }
  const std::string member = json_string(key) + ":" + std::string(value);
  if (!is_object() || members().empty()) return "{" + member + "}";
  return std::string(text_.substr(0, text_.size() - 1)) + "," + member + "}";
}

std::string json_string(std::string_view text) {
  return Poco::toJSON(replace_invalid_utf8(std::string(text)), Poco::JSON_WRAP_STRINGS);
}

}  // namespace midair
