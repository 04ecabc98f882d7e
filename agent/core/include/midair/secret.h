/// @file
/// Secrets are a type of their own, so that printing one takes intent.
#pragma once

#include <ostream>
#include <string>
#include <utility>

namespace midair {

/// A password, key or token. Prints as `***`; reveal() is the only way to the text and easy to search for.
class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string text) : text_(std::move(text)) {}
  [[nodiscard]] const std::string& reveal() const noexcept { return text_; }
  [[nodiscard]] bool empty() const noexcept { return text_.empty(); }

 private:
  std::string text_;
};

inline std::ostream& operator<<(std::ostream& out, const Secret&) { return out << "***"; }

}  // namespace midair
