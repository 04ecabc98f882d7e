/// @file
/// Lines marked by who wrote them.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace midair::sidecar {

/// Puts a label before each line of one stream. A line is held back until it has ended, so that those of several
/// streams never mix: for kMaxHeldBytes at most, then what there is of it becomes a line of its own.
class LineLabels {
 public:
  static constexpr std::size_t kMaxHeldBytes = 4096;

  /// `label` stands before each line as it is.
  explicit LineLabels(std::string label) : label_(std::move(label)) {}

  /// What may be written now that `bytes` came.
  [[nodiscard]] std::string add(std::string_view bytes) {
    std::string lines;
    for (std::size_t end = 0; (end = bytes.find('\n')) != std::string_view::npos; bytes.remove_prefix(end + 1)) {
      held_.append(bytes.substr(0, end));
      lines += finish();
    }
    held_.append(bytes);
    if (held_.size() >= kMaxHeldBytes) lines += finish();
    return lines;
  }

  /// What is still held, as a line: the stream has ended.
  [[nodiscard]] std::string end() { return held_.empty() ? std::string() : finish(); }

 private:
  std::string finish() {
    std::string line = label_ + held_ + '\n';
    held_.clear();
    return line;
  }

  std::string label_;
  std::string held_;
};

}  // namespace midair::sidecar
