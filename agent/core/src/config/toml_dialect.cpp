#include <algorithm>
#include <cctype>

#include "config/fly_node.h"

namespace midair {

namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// Goes through a document, comment by comment and string by string.
class Rewriter {
 public:
  explicit Rewriter(std::string_view text) : rest_(text) {}

  std::string run() {
    while (!rest_.empty()) step();
    return std::move(out_);
  }

 private:
  void step() {
    if (rest_.front() == '#') return copy(std::min(rest_.find('\n'), rest_.size()));
    if (rest_.starts_with(R"(""")")) return basic(R"(""")");
    if (rest_.starts_with("'''")) return literal("'''");
    if (rest_.front() == '"') return basic("\"");
    if (rest_.front() == '\'') return literal("'");
    if (is_leap_second()) return replace(3, ":59");
    copy(1);
  }

  void copy(std::size_t count) {
    out_ += rest_.substr(0, count);
    rest_.remove_prefix(std::min(count, rest_.size()));
  }
  void replace(std::size_t count, std::string_view by) {
    out_ += by;
    rest_.remove_prefix(count);
  }

  /// A string without escapes. One that has no end is the parser's to complain about, as below.
  void literal(std::string_view quotes) {
    copy(quotes.size());
    while (!rest_.empty() && !ends(quotes)) copy(1);
    close(quotes);
  }

  void basic(std::string_view quotes) {
    copy(quotes.size());
    copy(line_break());
    while (!rest_.empty() && !ends(quotes)) {
      if (rest_.front() == '\\') {
        escape();
      } else if (quotes.size() > 1 && rest_.starts_with("\r\n")) {
        replace(1, "\\r");
      } else {
        copy(1);
      }
    }
    close(quotes);
  }

  /// `rest_` begins with a backslash.
  void escape() {
    if (rest_.starts_with("\\e")) return replace(2, "\\u001B");
    if (rest_.starts_with("\\x") && rest_.size() >= 4) return replace(2, "\\u00");
    const auto next = rest_.find_first_not_of(" \t", 1);
    // A backslash at the end of a line takes the blanks after it along, line breaks too.
    if (next != std::string_view::npos && (rest_[next] == '\n' || rest_.substr(next).starts_with("\r\n")))
      return copy(std::min(rest_.find_first_not_of(" \t\r\n", 1), rest_.size()));
    copy(std::min<std::size_t>(2, rest_.size()));
  }

  [[nodiscard]] bool ends(std::string_view quotes) const {
    return rest_.starts_with(quotes) || (quotes.size() == 1 && rest_.front() == '\n');
  }
  /// Up to two more quotes may belong to the text.
  void close(std::string_view quotes) {
    copy(std::min(quotes.size(), rest_.size()));
    for (int i = 0; i < 2 && quotes.size() > 1 && rest_.starts_with(quotes.front()); ++i) copy(1);
  }
  [[nodiscard]] std::size_t line_break() const { return rest_.starts_with("\r\n") ? 2 : 0; }

  /// The ":60" of "23:59:60".
  [[nodiscard]] bool is_leap_second() const {
    const auto n = out_.size();
    return rest_.starts_with(":60") && (rest_.size() == 3 || !is_digit(rest_[3])) && n >= 3 && is_digit(out_[n - 1]) &&
           is_digit(out_[n - 2]) && out_[n - 3] == ':';
  }

  std::string_view rest_;
  std::string out_;
};

}  // namespace

std::string as_toml_1_0(std::string_view text) { return Rewriter(text).run(); }

}  // namespace midair
