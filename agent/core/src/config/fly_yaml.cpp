#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <optional>

#include "config/fly_node.h"

namespace midair {

namespace {

constexpr int kMaxNodes = 100'000;  // aliases make much of little,
constexpr int kMaxDepth = 100;      // and circles
constexpr std::array<std::string_view, 5> kNothing{"", "~", "null", "Null", "NULL"};
constexpr std::array<std::string_view, 3> kTrue{"true", "True", "TRUE"};
constexpr std::array<std::string_view, 3> kFalse{"false", "False", "FALSE"};

template <std::size_t n>
bool is_one_of(const std::array<std::string_view, n>& words, std::string_view text) {
  return std::ranges::find(words, text) != words.end();
}

/// 12, -0x1f, 0o17, 017 and 0b1, with underscores anywhere, as Go's ParseInt(text, 0, 64) takes them.
std::optional<std::int64_t> integer_in(std::string text) {
  std::erase(text, '_');
  const bool negative = text.starts_with('-');
  std::string_view digits = text;
  if (text.starts_with('-') || text.starts_with('+')) digits.remove_prefix(1);
  int base = 10;
  const auto prefixed = [&](std::string_view prefix, int with) {
    if (base != 10 || digits.size() <= prefix.size() || !digits.starts_with(prefix)) return;
    digits.remove_prefix(prefix.size());
    base = with;
  };
  prefixed("0x", 16), prefixed("0o", 8), prefixed("0b", 2), prefixed("0", 8);
  const std::string number = (negative ? "-" : "") + std::string(digits);
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), value, base);
  const bool whole = !digits.empty() && error == std::errc() && end == number.data() + number.size();
  return whole && digits.front() != '-' ? std::optional(value) : std::nullopt;
}

std::optional<double> number_in(const std::string& text) {
  if (text == ".nan" || text == ".NaN" || text == ".NAN") return std::numeric_limits<double>::quiet_NaN();
  std::string_view digits = text;
  if (digits.starts_with('-') || digits.starts_with('+')) digits.remove_prefix(1);
  if (digits == ".inf" || digits == ".Inf" || digits == ".INF")
    return text.starts_with('-') ? -std::numeric_limits<double>::infinity() : std::numeric_limits<double>::infinity();
  if (digits.empty() || digits.find_first_not_of("0123456789.eE+-") != std::string_view::npos) return std::nullopt;
  double value = 0;
  const char* const begin = text.data() + (text.starts_with('+') ? 1 : 0);
  const auto [end, error] = std::from_chars(begin, text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() ? std::optional(value) : std::nullopt;
}

/// What a plain scalar means, which depends on how it looks.
FlyNode plain_node(const std::string& text) {
  if (is_one_of(kNothing, text)) return {};
  if (is_one_of(kTrue, text)) return {FlyNode::Kind::scalar, "true"};
  if (is_one_of(kFalse, text)) return {FlyNode::Kind::scalar, "false"};
  if (const auto integer = integer_in(text)) return {FlyNode::Kind::scalar, std::to_string(*integer)};
  if (const auto number = number_in(text)) return {FlyNode::Kind::scalar, go_text(*number)};
  return {FlyNode::Kind::text, text};
}

/// Throws YAML::Exception.
class Reader {
 public:
  FlyNode read(const YAML::Node& from, int depth = 0) {
    if (++nodes_ > kMaxNodes || depth > kMaxDepth) throw YAML::ParserException(from.Mark(), "too many values");
    FlyNode node;
    if (from.IsMap()) {
      node.kind = FlyNode::Kind::map;
      for (const auto& entry : from)
        if (entry.first.IsScalar()) node.members.emplace_back(entry.first.Scalar(), read(entry.second, depth + 1));
    } else if (from.IsSequence()) {
      node.kind = FlyNode::Kind::list;
      for (const auto& item : from) node.items.push_back(read(item, depth + 1));
    } else if (from.IsScalar()) {
      node = from.Tag() == "?" ? plain_node(from.Scalar()) : FlyNode{FlyNode::Kind::text, from.Scalar()};
    }
    node.line = from.IsDefined() && !from.Mark().is_null() ? static_cast<std::size_t>(from.Mark().line) + 1 : 0;
    return node;
  }

 private:
  int nodes_ = 0;
};

}  // namespace

Result<FlyNode> parse_fly_yaml(std::string_view text, const std::string& file) {
  try {
    FlyNode document = Reader().read(YAML::Load(std::string(text)));
    if (document.kind != FlyNode::Kind::map && document.kind != FlyNode::Kind::none)
      return unusable_config(file, document.line, "settings are written 'key: value'");
    return document;
  } catch (const YAML::Exception& failure) {
    return unusable_config(file, static_cast<std::size_t>(failure.mark.line) + 1, "it is no YAML: " + failure.msg);
  }
}

}  // namespace midair
