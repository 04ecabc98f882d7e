#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "config/fly_node.h"

namespace midair {

namespace {

std::string join(std::vector<std::string> parts, bool sorted) {
  if (sorted) std::ranges::sort(parts);
  std::string text;
  for (const std::string& part : parts) text += (text.empty() ? "" : " ") + part;
  return "[" + text + "]";
}

}  // namespace

std::string go_text(double number) {
  if (std::isnan(number)) return "NaN";
  if (std::isinf(number)) return number < 0 ? "-Inf" : "+Inf";
  std::array<char, 64> buffer{};
  const auto shortest = [&](std::chars_format format) {
    return std::string(buffer.data(), std::to_chars(buffer.begin(), buffer.end(), number, format).ptr);
  };
  // The shortest digits that give the number back; with an exponent below 1e-4 and from 1e6 on (%g).
  std::string text = shortest(std::chars_format::scientific);
  const int exponent = std::stoi(text.substr(text.find('e') + 1));
  return exponent < -4 || exponent >= 6 ? text : shortest(std::chars_format::fixed);
}

std::string go_text(const FlyNode& node) {
  std::vector<std::string> parts;
  switch (node.kind) {
    case FlyNode::Kind::none: return "<nil>";
    case FlyNode::Kind::text:
    case FlyNode::Kind::scalar: return node.text;
    case FlyNode::Kind::list:
      for (const FlyNode& item : node.items) parts.push_back(go_text(item));
      return join(std::move(parts), false);
    case FlyNode::Kind::map:
      for (const auto& [name, value] : node.members) parts.push_back(name + ":" + go_text(value));
      return "map" + join(std::move(parts), true);
  }
  return {};
}

}  // namespace midair
